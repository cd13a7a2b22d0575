// Names and limits of the mkfs options.
#include "core/mkfs/mkfs_options.h"

#include <bit>
#include <cerrno>

#include "core/ondisk/format.h"

namespace butterfuse {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint32_t kMinNodesize = 4096, kMaxNodesize = 65536;

Status check_label(const std::string& label) {
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

std::string_view profile_name(MkfsProfile profile) { return profile == MkfsProfile::dup ? "DUP" : "single"; }

std::optional<MkfsProfile> profile_from_name(std::string_view name) {
  if (name == "single" || name == "SINGLE") return MkfsProfile::single;
  if (name == "dup" || name == "DUP") return MkfsProfile::dup;
  return std::nullopt;
}

uint64_t minimum_device_bytes(const MkfsOptions& options) {
  uint64_t bytes = 45 * kMiB;
  if (options.metadata == MkfsProfile::dup) bytes += 64 * kMiB;
  if (options.data == MkfsProfile::dup) bytes += 120 * kMiB;
  return bytes;
}

Status check_mkfs_options(const MkfsOptions& options, uint64_t device_bytes) {
  BF_TRY(check_label(options.label));
  BF_TRY(check_sizes(options));
  BF_TRY(check_features(options.features));
  if (options.uuid && options.uuid->is_null()) return make_error(EINVAL, "the null UUID cannot be used");
  if (options.byte_count > device_bytes)
    return make_error(ENOSPC, "device is smaller than requested: {} bytes, {} wanted", device_bytes,
                      options.byte_count);
  const uint64_t size = options.byte_count != 0 ? options.byte_count : device_bytes;
  if (const uint64_t least = minimum_device_bytes(options); size < least)
    return make_error(ENOSPC, "too small to make a usable file system: {} bytes, at least {} are needed",
                      size, least);
  return {};
}

}  // namespace butterfuse
