// SPDX-License-Identifier: GPL-2.0-or-later
// The table of profiles.
#include "core/ondisk/raid_profile.h"

#include <strings.h>

#include <string>

namespace butterfuse {
namespace {

constexpr RaidProfile kProfiles[] = {
    // flag, name, copies, parity, device_stripes, sub_stripes, min, max, step, tolerated
    {0, "single", 1, 0, 1, 1, 1, 1, 1, 0},
    {bg::kDup, "DUP", 2, 0, 2, 1, 1, 1, 1, 0},
    {bg::kRaid0, "RAID0", 1, 0, 1, 1, 1, 0, 1, 0},
    {bg::kRaid1, "RAID1", 2, 0, 1, 1, 2, 2, 2, 1},
    {bg::kRaid1c3, "RAID1C3", 3, 0, 1, 1, 3, 3, 3, 2},
    {bg::kRaid1c4, "RAID1C4", 4, 0, 1, 1, 4, 4, 4, 3},
    {bg::kRaid10, "RAID10", 2, 0, 1, 2, 2, 0, 2, 1},
    {bg::kRaid5, "RAID5", 1, 1, 1, 1, 2, 0, 1, 1},
    {bg::kRaid6, "RAID6", 1, 2, 1, 1, 3, 0, 1, 2},
};

}  // namespace

const RaidProfile& raid_profile(uint64_t type) {
  for (const RaidProfile& profile : kProfiles)
    if (profile.flag & type) return profile;
  return kProfiles[0];
}

std::optional<uint64_t> raid_profile_from_name(std::string_view name) {
  for (const RaidProfile& profile : kProfiles)
    if (strcasecmp(std::string(name).c_str(), profile.name.data()) == 0) return profile.flag;
  return std::nullopt;
}

}  // namespace butterfuse
