// SPDX-License-Identifier: GPL-2.0-or-later
// UserNamespace: read from /proc/self.
#include "cli/process/user_namespace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace butterfuse {
namespace {

// Unsigned: of an id below the range the difference is larger than any count.
bool has(const std::vector<IdRange>& ranges, uint32_t id) {
  return std::ranges::any_of(ranges, [id](const IdRange& range) { return id - range.first < range.count; });
}

std::string content_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::vector<IdRange> parse_id_ranges(const std::string& text) {
  std::vector<IdRange> ranges;
  std::istringstream in(text);
  uint32_t first = 0, outside = 0, count = 0;
  while (in >> first >> outside >> count) ranges.push_back({first, count});
  if (ranges.empty()) ranges.push_back({0, UINT32_MAX});
  return ranges;
}

UserNamespace UserNamespace::own() {
  return {parse_id_ranges(content_of("/proc/self/uid_map")),
          parse_id_ranges(content_of("/proc/self/gid_map")), geteuid(), getegid()};
}

std::optional<std::string> UserNamespace::complaint_about(uint32_t shown_user, uint32_t shown_group,
                                                          uint32_t stored_user, uint32_t stored_group) const {
  if (has(users, shown_user) && has(groups, shown_group)) return std::nullopt;
  return fmt::format(
      "its top directory belongs to user {} and group {}, which have no numbers in this user namespace: it "
      "shows as "
      "nobody's, and writing there is refused; -o uidmap={}:{}:1,gidmap={}:{}:1 shows it as yours",
      stored_user, stored_group, stored_user, user, stored_group, group);
}

}  // namespace butterfuse
