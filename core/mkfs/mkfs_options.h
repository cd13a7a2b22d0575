// SPDX-License-Identifier: GPL-2.0-or-later
// MkfsOptions: what a person may choose about a new file system, and the limits of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/result.h"
#include "core/base/uuid.h"

namespace butterfuse {

enum class MkfsProfile { single, dup, raid0, raid1, raid1c3, raid1c4, raid10 };

// RAID5 and RAID6 are not among them: the engine reads them, and does not write them.
uint64_t profile_flag(MkfsProfile profile);          // of bg::kProfileMask
std::string_view profile_name(MkfsProfile profile);  // as mkfs.btrfs prints it: single, DUP, RAID1
std::optional<MkfsProfile> profile_from_name(std::string_view name);

struct MkfsFeatures {
  bool block_group_tree = true;  // needs the two others
  bool free_space_tree = true;
  bool no_holes = true;
};

// Defaults are those of a current mkfs.btrfs for one device.
struct MkfsOptions {
  uint64_t byte_count = 0;  // of each device to be used; 0: all of it
  std::string label = {};
  uint32_t nodesize = 16384;
  uint32_t sectorsize = 4096;
  MkfsProfile metadata = MkfsProfile::dup;  // also of the system chunk
  MkfsProfile data = MkfsProfile::single;
  std::optional<Uuid> uuid = {};  // random when absent
  CsumType csum = CsumType::crc32c;
  MkfsFeatures features = {};
  uint32_t root_uid = 0, root_gid = 0;  // who owns the top directory
  bool discard = true;                  // tell the device first that none of its old content is needed
};

// Applies a comma separated list of feature names, `^name` meaning off. EINVAL names the one that is unknown
// or that cannot be had the way it is asked for.
Status apply_feature_list(std::string_view list, MkfsFeatures& features);
std::string feature_list_text();  // one line a feature, for -O list-all

// What several devices get where nothing else is asked for: RAID1 metadata.
MkfsProfile default_metadata_profile(size_t devices);

// The smallest device that mkfs.btrfs accepts for these profiles.
uint64_t minimum_device_bytes(const MkfsOptions& options);

// EINVAL or ENOSPC with the reason, when no file system can be made so on devices of these sizes.
Status check_mkfs_options(const MkfsOptions& options, const std::vector<uint64_t>& device_bytes);
Status check_mkfs_options(const MkfsOptions& options, uint64_t device_bytes);

}  // namespace butterfuse
