// SPDX-License-Identifier: GPL-2.0-or-later
// UserNamespace: which users and groups the process has numbers for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace butterfuse {

// One line of user_namespaces(7)'s uid_map and gid_map: ids from `first` on have numbers here.
struct IdRange {
  uint32_t first, count;
};

struct UserNamespace {
  std::vector<IdRange> users, groups;
  uint32_t user, group;  // who asks

  // That of this process. All ids are known where /proc tells nothing.
  static UserNamespace own();

  // What to say to who mounts a file system whose top directory is shown as this user's and group's: that
  // nobody can write there, since one of them has no number here, and which uidmap= and gidmap= help.
  // `stored_` are the ids on disk. Nothing where both are known.
  std::optional<std::string> complaint_about(uint32_t shown_user, uint32_t shown_group, uint32_t stored_user,
                                             uint32_t stored_group) const;
};

// From the text of such a file. Nothing of it is in order: all ids.
std::vector<IdRange> parse_id_ranges(const std::string& text);

}  // namespace butterfuse
