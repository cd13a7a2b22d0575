// SPDX-License-Identifier: GPL-2.0-or-later
// Superblock mirrors: reading, choosing, sealing.
// The highest generation wins, since mirror 0 is written before the others: where it is torn, another has the
// commit before. Where mirror 0 is whole, the others are only asked whether they are newer.
#include "core/volume/superblock.h"

#include <cerrno>
#include <cstring>
#include <optional>

#include "core/base/checksum.h"
#include "core/base/log.h"
#include "core/device/foreign_content.h"
#include "core/ondisk/tree_checker.h"

namespace butterfuse {

namespace {

constexpr size_t kCsumBytes = sizeof(DiskSuper::csum);

bool fits(const BlockDevice& device, int mirror) {
  return super_mirror_offset(mirror) + kSuperSize <= device.size_bytes();
}

bool same_filesystem(const DiskSuper& a, const DiskSuper& b) {
  return std::memcmp(a.fsid, b.fsid, sizeof a.fsid) == 0 &&
         std::memcmp(a.dev_item.uuid, b.dev_item.uuid, sizeof a.dev_item.uuid) == 0;
}

// Whether a valid mirror may replace the best one so far.
bool is_better(const DiskSuper& candidate, int mirror, const DiskSuper& best, bool best_is_primary) {
  if (best_is_primary) {
    if (!same_filesystem(candidate, best)) return false;
    if (super_mirror_offset(mirror) + kSuperSize > best.dev_item.total_bytes) return false;
  }
  return candidate.generation > best.generation;
}

}  // namespace

Result<DiskSuper> read_super_mirror(BlockDevice& device, int mirror) {
  DiskSuper super;
  MutableByteSpan bytes(reinterpret_cast<std::byte*>(&super), sizeof super);
  BF_TRY(device.read(super_mirror_offset(mirror), bytes));
  return super;
}

Status check_super_mirror(const DiskSuper& super, int mirror, SuperFlags flags) {
  if (super.magic != kSuperMagic)
    return make_error(EINVAL, "no btrfs superblock at {}", super_mirror_offset(mirror));
  if (super.bytenr != super_mirror_offset(mirror))
    return make_error(EUCLEAN, "superblock at {} says it is at {}", super_mirror_offset(mirror),
                      uint64_t{super.bytenr});
  if (super.csum_type > static_cast<uint16_t>(CsumType::blake2))
    return make_error(EUCLEAN, "superblock at {}: unknown csum_type {}", super_mirror_offset(mirror),
                      uint16_t{super.csum_type});
  const auto type = static_cast<CsumType>(uint16_t{super.csum_type});
  const CsumValue csum = checksum(type, object_bytes(super).subspan(kCsumBytes));
  if (std::memcmp(csum.data(), super.csum, csum_size(type)) != 0)
    return make_error(EUCLEAN, "superblock at {}: checksum mismatch", super_mirror_offset(mirror));
  return check_super(super, flags);
}

Result<DiskSuper> read_newest_super(BlockDevice& device, SuperFlags flags) {
  std::optional<DiskSuper> best;
  bool best_is_primary = false;
  std::optional<Error> reason;  // of the first mirror that is there but not valid
  for (int mirror = 0; mirror < kSuperMirrors && fits(device, mirror); ++mirror) {
    Result<DiskSuper> super = read_super_mirror(device, mirror);
    Status status = super ? check_super_mirror(*super, mirror, flags) : Status(tl::unexpected(super.error()));
    if (!status) {
      if (!reason || (reason->code == EINVAL && status.error().code != EINVAL)) reason = status.error();
      continue;
    }
    if (best && !is_better(*super, mirror, *best, best_is_primary)) continue;
    best = *super;
    best_is_primary = best_is_primary || mirror == 0;
    if (mirror != 0)
      log(LogLevel::warning, "{}: using superblock mirror {} of generation {}", device.path(), mirror,
          uint64_t{super->generation});
  }
  if (best) return *best;
  if (!reason)
    return make_error(EINVAL, "{}: too small for a btrfs, {} bytes{}", device.path(), device.size_bytes(),
                      foreign_content_text(device));
  if (reason->code == EINVAL)
    return make_error(EINVAL, "{}: not a btrfs file system{}", device.path(), foreign_content_text(device));
  return make_error(reason->code, "{}: no valid superblock: {}", device.path(), reason->message);
}

void seal_super(DiskSuper& super, int mirror) {
  super.bytenr = super_mirror_offset(mirror);
  const auto type = static_cast<CsumType>(uint16_t{super.csum_type});
  const CsumValue csum = checksum(type, object_bytes(super).subspan(kCsumBytes));
  std::memcpy(super.csum, csum.data(), kCsumBytes);
}

}  // namespace butterfuse
