// SPDX-License-Identifier: GPL-2.0-or-later
// Program: the commands, in the order in which people should see them.
#include "cli/program.h"

#include "cli/option_rules.h"

namespace butterfuse {
namespace {

CommandNotes program_notes() {
  return {
      .paragraphs =
          {"Mounts btrfs images and block devices read-write in user space, with transparent compression and "
           "without a btrfs module in the kernel. Makes, checks, repairs, scrubs and dumps them. The images "
           "are real btrfs: the kernel mounts what butterfuse wrote, and butterfuse what the kernel wrote.",
           "Each command has a page, and exit statuses of its own."},
      .lists_title = "Other words",
      .lists = {{"",
                 {{"SOURCE MOUNTPOINT", "the same as mount"},
                  {"help [COMMAND]", "the options of a command"},
                  {"help --man [COMMAND]", "its manual page, for \"man -l -\""},
                  {"help --man-pages FOLDER", "all manual pages, as files"},
                  {"help --markdown", "all commands as one document"},
                  {"version", "the version"}}}},
      .examples = {{"butterfuse mkfs -b 10G disk.img", "Make an image:"},
                   {"butterfuse mount disk.img /mnt", "Mount it:"},
                   {"butterfuse umount /mnt", "Unmount it, and return when the image is final:"}},
      .see_also = {"btrfs(5)", "mount(8)"}};
}

}  // namespace

std::unique_ptr<Command> make_program(CommandResult& result) {
  auto program = std::make_unique<Command>("butterfuse", "butterfuse: btrfs file systems in user space",
                                           program_notes());
  program->set_version_flag("-V,--version", "butterfuse " BUTTERFUSE_VERSION);
  program->require_subcommand(1);
  program->failure_message(CLI::FailureMessage::simple);
  add_mount_command(*program, result);
  add_umount_command(*program, result);
  add_mkfs_command(*program, result);
  add_check_command(*program, result);
  add_scrub_command(*program, result);
  add_inspect_command(*program, result);
  apply_option_rules(*program);
  return program;
}

}  // namespace butterfuse
