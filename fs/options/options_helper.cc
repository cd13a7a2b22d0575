// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: words for mount(8), systemd and others, which they pass along.
#include "fs/options/option_rows.h"

namespace butterfuse {

MountOptionGroup helper_option_group() {
  constexpr std::string_view kWhoMounts =
      "who may mount it; mount(8) adds the nosuid,nodev,noexec that go with it";
  return {"For mount(8), systemd and others",
          {
              helper_row("defaults", "", "nothing but the defaults"),
              helper_row("auto", "", "mounted by mount -a"),
              helper_row("noauto", "", "not mounted by mount -a"),
              helper_row("nofail", "", "booting goes on without it"),
              helper_row("_netdev", "", "waits for the network"),
              helper_row("user", "[=NAME]", kWhoMounts),
              helper_row("nouser", "", kWhoMounts),
              helper_row("users", "", kWhoMounts),
              helper_row("nousers", "", kWhoMounts),
              helper_row("owner", "", kWhoMounts),
              helper_row("noowner", "", kWhoMounts),
              helper_row("group", "", kWhoMounts),
              helper_row("nogroup", "", kWhoMounts),
              helper_row("loop", "[=DEVICE]", "image files are opened as they are"),
              helper_row("silent", "", "what the kernel logs"),
              helper_row("loud", "", "what the kernel logs"),
              helper_row("mand", "", "mandatory locks are gone from Linux"),
              helper_row("nomand", "", "always so"),
              helper_row("iversion", "", "makes no difference through FUSE"),
              helper_row("noiversion", "", "makes no difference through FUSE"),
              helper_row("lazytime", "", "makes no difference through FUSE"),
              helper_row("nolazytime", "", "makes no difference through FUSE"),
              helper_row("seclabel", "", "what mount tables show with SELinux"),
              helper_row("helper", "=TYPE", "for umount(8)"),
              helper_row("uhelper", "=TYPE", "for umount(8)"),
              helper_row("comment", "[=TEXT]", "a comment"),
              helper_row("x-*", "[=VALUE]", "comments for systemd and others"),
              helper_row("X-*", "[=VALUE]", "comments for programs"),
          }};
}

}  // namespace butterfuse
