// SPDX-License-Identifier: GPL-2.0-or-later
// RaidProfile: what each block group profile does with devices, as one table.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/ondisk/constants.h"

namespace butterfuse {

struct RaidProfile {
  uint64_t flag;          // of bg::kProfileMask, 0 for single
  std::string_view name;  // as btrfs-progs print it
  int copies;             // of each byte of data
  int parity;             // stripes of each row that hold parity
  int device_stripes;     // stripes on one device
  int sub_stripes;        // neighbouring stripes that are copies of each other, in RAID10
  int min_devices;        // below that no chunk can be made
  int max_devices;        // of one chunk; 0: all there are
  int device_step;        // the number of devices of a chunk is a multiple of it
  int tolerated;          // stripes of a chunk that may be missing or fail to be written
  // Rows of 64 KiB stripes, one behind the other on different devices.
  bool striped() const { return max_devices == 0; }
};

// The profile of a chunk or block group type; where it has several, which tree_checker refuses, one of them.
const RaidProfile& raid_profile(uint64_t type);
// "single", "DUP", "raid1c3", ... in any case.
std::optional<uint64_t> raid_profile_from_name(std::string_view name);

constexpr uint64_t kParityProfiles = bg::kRaid5 | bg::kRaid6;  // read only: nothing here writes them

}  // namespace butterfuse
