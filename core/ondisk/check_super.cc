// SPDX-License-Identifier: GPL-2.0-or-later
// Rules for the superblock's fields, as the kernel judges them before it believes any.
#include <cerrno>
#include <cstring>

#include "core/base/uuid.h"
#include "core/ondisk/chunk_view.h"
#include "core/ondisk/item_checks.h"
#include "core/ondisk/tree_checker.h"

namespace butterfuse {

namespace {

template <class... Args>
tl::unexpected<Error> super_error(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(EUCLEAN, "corrupt superblock: {}", fmt::format(format, std::forward<Args>(args)...));
}

constexpr uint32_t kSectorSizeMin = 4096, kNodeSizeMin = 4096, kNodeSizeMax = 65536;
constexpr uint16_t kCsumTypes = 4;

Status check_sizes(const DiskSuper& super) {
  if (!is_power_of_two(super.sectorsize) || super.sectorsize < kSectorSizeMin ||
      super.sectorsize > kNodeSizeMax)
    return super_error("invalid sectorsize, have {}", uint32_t{super.sectorsize});
  if (!is_power_of_two(super.nodesize) || super.nodesize < kNodeSizeMin ||
      super.nodesize < super.sectorsize || super.nodesize > kNodeSizeMax)
    return super_error("invalid nodesize, have {}", uint32_t{super.nodesize});
  if (super.leafsize_unused != super.nodesize)
    return super_error("leafsize {} differs from nodesize {}", uint32_t{super.leafsize_unused},
                       uint32_t{super.nodesize});
  if (!is_power_of_two(super.stripesize))
    return super_error("invalid stripesize, have {}", uint32_t{super.stripesize});
  if (super.csum_type >= kCsumTypes)
    return super_error("unknown csum_type, have {}", uint16_t{super.csum_type});
  return {};
}

Status check_roots(const DiskSuper& super) {
  struct Root {
    const char* name;
    uint64_t bytenr;
    uint8_t level;
    bool optional;
  };
  const Root roots[] = {{"root", super.root, super.root_level, false},
                        {"chunk_root", super.chunk_root, super.chunk_root_level, false},
                        {"log_root", super.log_root, super.log_root_level, true}};
  for (const Root& root : roots) {
    if (root.level >= kMaxLevel)
      return super_error("invalid {} level, have {} want below {}", root.name, root.level, kMaxLevel);
    if (root.bytenr % super.sectorsize != 0 || (root.bytenr == 0 && !root.optional))
      return super_error("invalid {} bytenr, have {} want a multiple of {}", root.name, root.bytenr,
                         uint32_t{super.sectorsize});
  }
  return {};
}

Uuid uuid_of(const uint8_t (&bytes)[16]) {
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), bytes, sizeof bytes);
  return uuid;
}

// With the metadata_uuid feature, fsid is what users see and metadata_uuid what blocks and devices carry.
Status check_fsid(const DiskSuper& super) {
  const bool has_metadata_uuid = super.incompat_flags & incompat::kMetadataUuid;
  const Uuid want = uuid_of(has_metadata_uuid ? super.metadata_uuid : super.fsid);
  const Uuid have = uuid_of(super.dev_item.fsid);
  if (have == want) return {};
  return super_error("dev_item.fsid does not match, have {} want {}", have.to_text(), want.to_text());
}

Status check_space(const DiskSuper& super) {
  if (super.num_devices == 0) return super_error("num_devices is 0");
  // A block for each of the six trees that no file system lacks.
  if (super.bytes_used < uint64_t{6} * super.nodesize)
    return super_error("bytes_used is too small, have {}", uint64_t{super.bytes_used});
  // The other counters and sizes are compared with the chunk tree and devices, by check and before a mount.
  return {};
}

Status check_sys_chunk_array_size(const DiskSuper& super) {
  constexpr uint32_t kLeast = sizeof(DiskKey) + chunk_item_bytes(1);
  if (super.sys_chunk_array_size >= kLeast && super.sys_chunk_array_size <= kSysChunkArrayBytes) return {};
  return super_error("invalid sys_chunk_array_size, have {} want {} to {}",
                     uint32_t{super.sys_chunk_array_size}, kLeast, kSysChunkArrayBytes);
}

}  // namespace

Status check_super(const DiskSuper& super, SuperFlags flags) {
  if (super.magic != kSuperMagic) return super_error("wrong magic, have 0x{:x}", uint64_t{super.magic});
  constexpr uint64_t kKnownFlags = super_flag::kWritten | super_flag::kReloc | super_flag::kError |
                                   super_flag::kSeeding | super_flag::kMetadump | super_flag::kMetadumpV2 |
                                   super_flag::kChangingFsid | super_flag::kChangingFsidV2 |
                                   super_flag::kConversions;
  if (flags == SuperFlags::known && (super.flags & ~kKnownFlags))
    return super_error("unknown flags 0x{:x} (mount -o ro,rescue=ignoresuperflags overlooks them)",
                       super.flags & ~kKnownFlags);
  BF_TRY(check_sizes(super));
  BF_TRY(check_roots(super));
  BF_TRY(check_fsid(super));
  BF_TRY(check_space(super));
  BF_TRY(check_sys_chunk_array_size(super));
  if (super.chunk_root_generation > super.generation)
    return super_error("chunk_root_generation {} is above generation {}",
                       uint64_t{super.chunk_root_generation}, uint64_t{super.generation});
  return {};
}

}  // namespace butterfuse
