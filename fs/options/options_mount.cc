// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: those that mount(8) has for all file systems and that change something here.
#include <unistd.h>

#include "fs/options/option_rows.h"

namespace butterfuse {
namespace {

MountOptionRow atime_row(std::string_view name, std::string_view help, AtimeMode mode) {
  return flag_row(name, help, [mode](MountOptions& m) { m.atime = mode; });
}

// suid, dev and their opposites: handed on, and noted as given. A mount by root adds suid and dev by itself
// where nobody said anything, since libfuse begins with nosuid and nodev (fs/session/session.cc).
MountOptionRow kernel_flag_row(std::string_view name, std::string_view help, bool MountOptions::*given) {
  MountOptionRow row = passed_row(name, "", help);
  row.apply = [pass = row.apply, given](const OptionWord& word, MountOptions& options) {
    options.*given = true;
    return pass(word, options);
  };
  return row;
}

// Without SELinux in the kernel they mean nothing, and mount(2) would not know them: an fstab that is used
// with and without it is to work with both.
MountOptionRow label_row(std::string_view name, std::string_view help) {
  return {name, "=CONTEXT", OptionEffect::acted_on, help, [](const OptionWord& word, MountOptions& options) {
            const bool has_selinux = ::access("/sys/fs/selinux/enforce", F_OK) == 0;
            (has_selinux ? options.fuse_options : options.ignored).push_back(word.word);
            return Status{};
          }};
}

Status make_mount_point(const OptionWord& word, MountOptions& options) {
  // mount(8)'s default.
  constexpr uint32_t kUsual = 0755;
  const auto mode = word.value ? parse_integer<uint32_t>(*word.value, 8) : kUsual;
  if (!mode || *mode > 07777) return bad_option_value();
  options.mount_point_mode = *mode;
  return {};
}

// The kernel follows write(2) with an fsync; the rest is ours: names, and what goes past its pages. "async"
// takes back dirsync as well.
MountOptionRow sync_row(std::string_view name, std::string_view help, bool sync) {
  return {name, "", OptionEffect::acted_on, help, [sync](const OptionWord& word, MountOptions& options) {
            options.fuse_options.push_back(word.word);
            options.sync_data = options.sync_names = sync;
            return Status{};
          }};
}

}  // namespace

MountOptionGroup mount_option_group() {
  using enum OptionEffect;
  return {
      "As for all file systems",
      {
          atime_row("noatime", "reading does not change access times", AtimeMode::noatime),
          atime_row("relatime", "it does where they are old (the default)", AtimeMode::relatime),
          atime_row("atime", "relatime, as the kernel has it", AtimeMode::relatime),
          atime_row("norelatime", "the kernel's default, which is relatime", AtimeMode::relatime),
          atime_row("strictatime", "each reading does; see the limits of FUSE in README",
                    AtimeMode::strictatime),
          atime_row("nostrictatime", "the kernel's default, which is relatime", AtimeMode::relatime),
          flag_row("nodiratime", "reading directories does not change theirs",
                   [](MountOptions& m) { m.nodiratime = true; }),
          flag_row("diratime", "it does as with files (the default)",
                   [](MountOptions& m) { m.nodiratime = false; }),
          sync_row("sync", "what is written, and names, are durable when the call returns", true),
          sync_row("async", "it does not wait (the default)", false),
          flag_row("dirsync", "changes of names are durable when their call returns, as with chattr +D",
                   [](MountOptions& m) { m.sync_names = true; }),
          kernel_flag_row("suid", "set-user-id and set-group-id bits count (the default for root)",
                          &MountOptions::suid_given),
          kernel_flag_row("nosuid", "they do not (always so for ordinary users)", &MountOptions::suid_given),
          kernel_flag_row("dev", "device nodes are devices (the default for root)", &MountOptions::dev_given),
          kernel_flag_row("nodev", "they are not (always so for ordinary users)", &MountOptions::dev_given),
          passed_row("exec", "", "programs can be started (the default)"),
          passed_row("noexec", "", "they can't"),
          flag_row("symfollow", "symbolic links are followed (the default)",
                   [](MountOptions& m) { m.nosymfollow = false; }),
          flag_row("nosymfollow", "they are not; for root, and from Linux 5.14 on",
                   [](MountOptions& m) { m.nosymfollow = true; }),
          {"X-mount.mkdir", "[=MODE]", acted_on, "make the mount point where it is missing (0755)",
           make_mount_point},
          label_row("context", "SELinux: one label for all files"),
          label_row("fscontext", "SELinux: the label of the file system"),
          label_row("defcontext", "SELinux: the label of files that have none"),
          label_row("rootcontext", "SELinux: the label of the top directory"),
          refused_row("remount", "",
                      "butterfuse mount -o remount,ro SOURCE DIR changes a mount; for all else unmount and "
                      "mount again"),
          refused_row("bind", "", "mount --bind shows a directory at another place; it mounts no image"),
          refused_row("rbind", "", "mount --rbind shows a directory at another place; it mounts no image"),
          refused_row("move", "", "mount --move takes a mount to another place"),
          refused_row("X-mount.idmap", "=MAP", "mount(8) does it, behind us; uidmap= and gidmap= do it here"),
          refused_row("X-mount.subdir", "=DIR",
                      "mount(8) does it, behind us; subvol= chooses a subvolume here"),
          refused_row("X-mount.owner", "=USER", "mount(8) does it, behind us; chown the top directory"),
          refused_row("X-mount.group", "=GROUP", "mount(8) does it, behind us; chgrp the top directory"),
          refused_row("X-mount.mode", "=MODE", "mount(8) does it, behind us; chmod the top directory"),
          refused_row("verity.*", "=VALUE", "mount(8) sets up dm-verity; give us the device it makes"),
      }};
}

}  // namespace butterfuse
