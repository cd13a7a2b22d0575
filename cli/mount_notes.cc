// SPDX-License-Identifier: GPL-2.0-or-later
// MountNotes: the option table as lists of terms, and the description.
#include "cli/mount_notes.h"

#include <fmt/format.h>

#include "fs/options/option_table.h"

namespace butterfuse {
namespace {

std::string_view note_of(OptionEffect effect) {
  switch (effect) {
    case OptionEffect::no_effect:
      return "(no effect) ";
    case OptionEffect::refused:
      return "(refused) ";
    default:
      return "";
  }
}

std::vector<TermList> mount_option_lists() {
  std::vector<TermList> lists;
  for (const MountOptionGroup& group : mount_option_groups()) {
    TermList& list = lists.emplace_back(TermList{std::string(group.title), {}});
    for (const MountOptionRow& row : group.rows)
      list.entries.push_back(
          {fmt::format("{}{}", row.name, row.value), fmt::format("{}{}", note_of(row.effect), row.help)});
  }
  return lists;
}

}  // namespace

CommandNotes mount_notes() {
  return {
      .paragraphs =
          {"Serves the file system in these sources on a directory, in a process of its own. The command returns when the "
           "mount is live, or has failed, with one line that says why. `butterfuse SOURCE MOUNTPOINT` is the same. Ctrl-C "
           "while it waits for a source that is in use ends the wait. What is write-protected is mounted read-only, with "
           "a word about it.",
           "SIGTERM, SIGINT and SIGHUP to the process unmount. It ends when everything is written and committed; "
           "umount(2) returns earlier, `butterfuse umount` returns then.",
           "An ordinary user mounts images of his own through `fusermount3`, or without it inside a user namespace.",
           "`mount.butterfuse` and `mount.fuse.butterfuse` are the helpers of mount(8) and /etc/fstab, for the types "
           "`butterfuse` and `fuse.butterfuse`; as such `-f` is `--fake`, and `-s` is `--sloppy`. `mount -o remount` "
           "changes `ro`, `rw`, `suid`, `dev`, `exec`, `sync`, `symfollow` and their opposites."},
      .lists_title = "Mount options",
      .lists_about = "for -o; sizes are in bytes, or have k, m, g, t, p or e behind them",
      .lists = mount_option_lists(),
      .examples = {{"butterfuse mount -o compress=zstd disk.img /mnt", "An image, compressed from now on:"},
                   {"butterfuse mount a.img b.img /mnt", "A file system of two devices:"},
                   {"butterfuse mount -o part=2 whole-disk.img /mnt", "A partition of an image:"}},
      .programs = {"mount.butterfuse", "mount.fuse.butterfuse"},
      .see_also = {"butterfuse-umount(8)", "mount(8)", "fusermount3(1)"}};
}

}  // namespace butterfuse
