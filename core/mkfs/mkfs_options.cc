// SPDX-License-Identifier: GPL-2.0-or-later
// Names and limits of the mkfs options.
#include "core/mkfs/mkfs_options.h"

#include <bit>
#include <cerrno>

#include "core/ondisk/format.h"
#include "core/ondisk/raid_profile.h"

namespace butterfuse {
namespace {

constexpr uint64_t kMiB = 1 << 20;
// The format's: at least a sector, at most what the kernel reads.
constexpr uint32_t kMinNodesize = 4096, kMaxNodesize = 65536;

Status check_label(const std::string& label) {
  // The last byte is a NUL, for those who take it for text of C.
  constexpr size_t kMaxLabel = sizeof(DiskSuper::label) - 1;
  if (label.size() > kMaxLabel)
    return make_error(EINVAL, "label is too long: {} bytes, at most {}", label.size(), kMaxLabel);
  if (label.find_first_of(std::string_view("\n\0", 2)) != std::string::npos)
    return make_error(EINVAL, "label must not contain a newline or NUL");
  return {};
}

Status check_sizes(const MkfsOptions& options) {
  if (options.sectorsize != kSectorSize)
    return make_error(EINVAL, "sector size {} is not supported, only {}", options.sectorsize, kSectorSize);
  if (!std::has_single_bit(options.nodesize) || options.nodesize < kMinNodesize ||
      options.nodesize > kMaxNodesize)
    return make_error(EINVAL, "invalid node size {}: a power of two from {} to {} is needed",
                      options.nodesize, kMinNodesize, kMaxNodesize);
  return {};
}

Status check_features(const MkfsFeatures& features) {
  if (features.block_group_tree && !features.free_space_tree)
    return make_error(EINVAL, "feature block-group-tree needs free-space-tree");
  if (features.block_group_tree && !features.no_holes)
    return make_error(EINVAL, "feature block-group-tree needs no-holes");
  return {};
}

}  // namespace

uint64_t profile_flag(MkfsProfile profile) {
  switch (profile) {
    case MkfsProfile::single:
      return 0;
    case MkfsProfile::dup:
      return bg::kDup;
    case MkfsProfile::raid0:
      return bg::kRaid0;
    case MkfsProfile::raid1:
      return bg::kRaid1;
    case MkfsProfile::raid1c3:
      return bg::kRaid1c3;
    case MkfsProfile::raid1c4:
      return bg::kRaid1c4;
    case MkfsProfile::raid10:
      return bg::kRaid10;
  }
  return 0;
}

std::string_view profile_name(MkfsProfile profile) { return raid_profile(profile_flag(profile)).name; }

std::optional<MkfsProfile> profile_from_name(std::string_view name) {
  const auto flag = raid_profile_from_name(name);
  for (const MkfsProfile profile :
       {MkfsProfile::single, MkfsProfile::dup, MkfsProfile::raid0, MkfsProfile::raid1, MkfsProfile::raid1c3,
        MkfsProfile::raid1c4, MkfsProfile::raid10})
    if (flag && profile_flag(profile) == *flag) return profile;
  return std::nullopt;
}

MkfsProfile default_metadata_profile(size_t devices) {
  return devices > 1 ? MkfsProfile::raid1 : MkfsProfile::dup;
}

// The sums of mkfs.btrfs, so that both refuse the same devices; the chunks here take less.
uint64_t minimum_device_bytes(const MkfsOptions& options) {
  uint64_t bytes = 45 * kMiB;
  if (raid_profile(profile_flag(options.metadata)).copies > 1) bytes += 32 * kMiB;
  if (options.metadata == MkfsProfile::dup) bytes += 32 * kMiB;
  if (options.data == MkfsProfile::dup) bytes += 120 * kMiB;
  return bytes;
}

namespace {

Status check_device_count(const char* what, MkfsProfile chosen, size_t devices) {
  const RaidProfile& profile = raid_profile(profile_flag(chosen));
  if (devices >= static_cast<size_t>(profile.min_devices)) return {};
  return make_error(EINVAL, "{} profile {} needs at least {} devices, {} given", what, profile.name,
                    profile.min_devices, devices);
}

}  // namespace

Status check_mkfs_options(const MkfsOptions& options, uint64_t device_bytes) {
  return check_mkfs_options(options, std::vector{device_bytes});
}

Status check_mkfs_options(const MkfsOptions& options, const std::vector<uint64_t>& device_bytes) {
  BF_TRY(check_label(options.label));
  BF_TRY(check_sizes(options));
  BF_TRY(check_features(options.features));
  if (options.uuid && options.uuid->is_null()) return make_error(EINVAL, "the null UUID cannot be used");
  BF_TRY(check_device_count("metadata", options.metadata, device_bytes.size()));
  BF_TRY(check_device_count("data", options.data, device_bytes.size()));
  for (const uint64_t bytes : device_bytes) {
    if (options.byte_count > bytes)
      return make_error(ENOSPC, "device is smaller than requested: {} bytes, {} wanted", bytes,
                        options.byte_count);
    const uint64_t size = options.byte_count != 0 ? options.byte_count : bytes;
    if (const uint64_t least = minimum_device_bytes(options); size < least)
      return make_error(ENOSPC, "too small to make a usable file system: {} bytes, at least {} are needed",
                        size, least);
  }
  return {};
}

}  // namespace butterfuse
