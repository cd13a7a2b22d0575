// SPDX-License-Identifier: GPL-2.0-or-later
// Credentials: what is known of the process behind a call, for the questions the kernel leaves to us.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "fs/mount/mount.h"

namespace butterfuse {

// Capabilities as capability(7) numbers them: what overrides a mode's bits, stands for the owner,
// keeps set-user-id, administers.
namespace capability {
constexpr int kDacOverride = 1, kFowner = 3, kFsetid = 4, kSysAdmin = 21;
}  // namespace capability

// Nothing is granted to whoever can't be seen: `known` is false for a process that is gone, that is in
// another pid namespace, or that acts for somebody else (a kernel thread).
struct Credentials {
  bool known = false;
  uid_t uid = 0;  // of the file system, as are the group's
  gid_t gid = 0;
  std::vector<gid_t> groups;  // the supplementary ones
  // Effective, and worth something for this mount: none for a process in a user namespace of its own, whose
  // root is no root here.
  uint64_t capabilities = 0;
  bool serves = false;  // it is of the (ordinary) user who serves the mount

  bool has(int capability) const { return known && (capabilities >> capability & 1); }
  bool is_in_group(gid_t group) const;
  // The file system is theirs to administer: root's (CAP_SYS_ADMIN), and of the user who serves the mount,
  // who can do to the image whatever he likes.
  bool may_administer() const { return known && (serves || has(capability::kSysAdmin)); }
};

// The owner, or CAP_FOWNER.
bool owns_or_may_as_owner(Mount& mount, Inode& inode, const Credentials& who);

// As access(2) decides about writing: mode, access control list, CAP_DAC_OVERRIDE; never for what chattr +i
// or the READONLY flag protects. The ids compared are those the mount shows.
Result<bool> may_write(Mount& mount, Inode& inode, const Credentials& who);

}  // namespace butterfuse
