// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options: whose the files are.
#include "fs/options/option_rows.h"

namespace butterfuse {
namespace {

MountOptionRow map_row(std::string_view name, std::string_view help, IdMap MountOptions::*map) {
  return {
      name, "=DISK:SHOWN:COUNT", OptionEffect::acted_on, help,
      [map](const OptionWord& word, MountOptions& options) { return (options.*map).add_range(*word.value); }};
}

// Set-user-id and its like can't be hidden: `nosuid` is for that.
std::optional<uint32_t> mode_of(std::string_view text) {
  const auto mode = parse_integer<uint32_t>(text, 8);
  return mode && *mode <= 0777 ? mode : std::nullopt;
}

// Anybody can mount so, and store files as root's with set-user-id, and device nodes: they must mean nothing
// on this machine (nosuid, nodev, as words of its own, so that no default replaces them). And the kernel must
// not check what the stored owners would forbid.
void become_fake_root(MountOptions& options) {
  options.fakeroot = true;
  options.default_permissions = false;
  options.fuse_options.insert(options.fuse_options.end(), {"nosuid", "nodev"});
  options.suid_given = options.dev_given = true;
}

}  // namespace

MountOptionGroup owner_option_group() {
  return {"Whose the files are",
          {
              value_row("uid", "=ID", "all files are shown as this user's", parse_whole_number<uint32_t>,
                        [](MountOptions& m, uint32_t id) { m.uids.show_all_as(id); }),
              value_row("gid", "=ID", "all files are shown as this group's", parse_whole_number<uint32_t>,
                        [](MountOptions& m, uint32_t id) { m.gids.show_all_as(id); }),
              value_row("umask", "=MODE",
                        "permission bits to hide, octal up to 777; changes nothing that is stored", mode_of,
                        [](MountOptions& m, uint32_t mask) { m.hidden_mode = mask; }),
              map_row("uidmap", "users of the image shown as others, and stored back; may be repeated",
                      &MountOptions::uids),
              map_row("gidmap", "groups, in the same way", &MountOptions::gids),
              flag_row("fakeroot",
                       "for building root trees without being root: all owners and modes are stored as asked",
                       become_fake_root),
          }};
}

}  // namespace butterfuse
