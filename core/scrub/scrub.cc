// SPDX-License-Identifier: GPL-2.0-or-later
// Scrub: device extents in order, their chunks' extents, each copy that lies on the device.
//
//     device extent ─> chunk ─> batch: up to 64 extents of the extent tree ─> each copy on this device:
//                                                                  read, compare, mend by another copy
//
// A device extent is followed to its whole chunk, though only a part of the chunk lies on this device: the
// extent tree knows logical addresses only, and mirrors_here() leaves out what is elsewhere. Where to go
// on after a break is told in device extents; what was looked at of a chunk that is not finished is looked
// at again.
//
// Reads go to one copy, past the choice of copies that a file's reader gets: a scrub that took the good copy
// would find nothing.
#include "core/scrub/scrub.h"

#include <optional>
#include <set>

#include "core/base/log.h"
#include "core/csum/csum_tree.h"
#include "core/scrub/idle_priority.h"
#include "core/volume/superblock.h"

namespace butterfuse {
namespace {

// A commit waits for the end of a batch, and everybody who changes something for the commit: it is no more
// than 64 extents (of tree blocks of 16 KiB that is 1 MiB), and ends with the extent that makes it 1 MiB
// full. Smaller ones would begin handles and seek in the extent tree more often than they read. Of large
// extents this is also what is read, and held in memory, at a time.
constexpr size_t kExtentsAtOnce = 64;
constexpr uint64_t kBytesAtOnce = 1 << 20;

}  // namespace

Scrub::Scrub(Filesystem& filesystem, uint64_t devid, ByteRange physical, bool repair)
    : filesystem_(filesystem),
      volume_(filesystem.volume()),
      devid_(devid),
      physical_(physical),
      repair_(repair && !filesystem.read_only()) {
  progress_.last_physical = physical.start;
}

ScrubProgress Scrub::progress() const {
  MutexLock lock(mutex_);
  return progress_;
}

Status Scrub::run() {
  const MemberDevice* member = volume_.member(devid_);
  if (member == nullptr || member->missing()) return make_error(ENODEV, "no device {}", devid_);
  if (member->lost) return make_error(ENODEV, "device {} was lost: mount again to bring it back", devid_);
  const IdlePriority idle;
  scrub_supers();
  BF_ASSIGN(const std::vector<DeviceExtent> extents, device_extents());
  std::set<uint64_t> done;  // DUP has both copies here, which are looked at together
  for (const DeviceExtent& extent : extents) {
    const auto chunk = volume_.chunk_at(extent.chunk);
    // Without a chunk it was emptied and removed meanwhile.
    if (chunk && done.insert(extent.chunk).second) BF_TRY(scrub_chunk(*chunk));
    count([&](ScrubProgress& progress) { progress.last_physical = extent.physical + extent.length; });
  }
  return {};
}

Result<std::vector<Scrub::DeviceExtent>> Scrub::device_extents() {
  std::vector<DeviceExtent> extents;
  ReadCursor cursor(filesystem_.dev_tree());
  BF_TRY(cursor.seek({devid_, key_type::kDevExtent, 0}));
  while (cursor.valid() && cursor.key().objectid == devid_ && cursor.key().type == key_type::kDevExtent) {
    const auto item = cursor.as<DiskDevExtent>();
    const DeviceExtent extent{cursor.key().offset, item.length, item.chunk_offset};
    if (extent.physical + extent.length > physical_.start && extent.physical < physical_.end)
      extents.push_back(extent);
    BF_TRY(cursor.next());
  }
  return extents;
}

Status Scrub::unless_cancelled() const {
  if (cancelled_) return make_error(ECANCELED, "scrub of device {} was cancelled", devid_);
  return {};
}

Status Scrub::scrub_chunk(const ChunkMapping& chunk) {
  for (uint64_t cursor = chunk.start; cursor < chunk.start + chunk.length;) {
    BF_TRY(unless_cancelled());
    BF_TRY(scrub_batch(chunk, cursor));
  }
  return {};
}

Scrub::StoredExtent Scrub::stored_extent(const Key& key, const DiskExtentItem& item) const {
  const bool skinny = key.type == key_type::kMetadataItem;
  StoredExtent extent;
  extent.range = ByteRange::at(key.objectid, skinny ? volume_.nodesize() : key.offset);
  extent.is_tree_block = item.flags & extent_flag::kTreeBlock;
  extent.generation = item.generation;
  if (skinny) extent.level = static_cast<int>(key.offset);
  return extent;
}

Result<std::vector<Scrub::StoredExtent>> Scrub::next_extents(uint64_t& cursor, uint64_t end) {
  std::vector<StoredExtent> extents;
  uint64_t bytes = 0;
  ReadCursor items(filesystem_.extent_tree());
  BF_TRY(items.seek({cursor, 0, 0}));
  cursor = end;
  while (items.valid() && items.key().objectid < end) {
    const Key key = items.key();
    if (key.type == key_type::kExtentItem || key.type == key_type::kMetadataItem) {
      if (extents.size() == kExtentsAtOnce || bytes >= kBytesAtOnce) {
        cursor = key.objectid;
        break;
      }
      const StoredExtent extent = stored_extent(key, items.as<DiskExtentItem>());
      if (extent.range.length() > end - extent.range.start)
        return make_error(EUCLEAN, "extent {} of {} bytes leaves its chunk", extent.range.start,
                          extent.range.length());
      extents.push_back(extent);
      bytes += extents.back().range.length();
    }
    BF_TRY(items.next());
  }
  return extents;
}

// While a handle lives no commit ends, so what the extent tree names now is not given to anybody else.
Status Scrub::scrub_batch(const ChunkMapping& chunk, uint64_t& cursor) {
  // No space is promised to it: nothing in a tree changes. A file system that is read-only, or just became
  // so, has no commits to keep away.
  std::optional<TransactionHandle> handle;
  if (!filesystem_.read_only()) {
    auto begun = filesystem_.begin_reserved(Reservation{});
    if (begun) handle.emplace(std::move(*begun));
  }
  BF_ASSIGN(const std::vector<StoredExtent> extents, next_extents(cursor, chunk.start + chunk.length));
  for (const StoredExtent& extent : extents) {
    if (extent.is_tree_block) {
      scrub_tree_block(chunk, extent);
      continue;
    }
    for (uint64_t at = extent.range.start; at < extent.range.end; at += kBytesAtOnce) {
      BF_TRY(unless_cancelled());
      BF_TRY(scrub_data(chunk, {at, std::min(extent.range.end, at + kBytesAtOnce)}));
    }
    count([](ScrubProgress& progress) { ++progress.data_extents; });
  }
  return {};
}

std::vector<int> Scrub::mirrors_here(const ChunkMapping& chunk, uint64_t bytenr) const {
  const StripePiece piece = stripe_piece(chunk, bytenr - chunk.start, 1);
  std::vector<int> mirrors;
  for (size_t copy = 0; copy < piece.copies; ++copy)
    if (chunk.stripes[piece.first_copy + copy].devid == devid_) mirrors.push_back(static_cast<int>(copy));
  return mirrors;
}

// Extent items of other implementations may be wrong about the generation, which no reader minds.
uint64_t Scrub::generation_of(const StoredExtent& extent, uint64_t committed) const {
  for (int mirror = 0; mirror < volume_.copies(extent.range.start); ++mirror)
    if (volume_.check_tree_block_copy(extent.range.start, mirror, extent.generation, extent.level, committed))
      return extent.generation;
  return 0;
}

void Scrub::scrub_tree_block(const ChunkMapping& chunk, const StoredExtent& extent) {
  const uint64_t bytenr = extent.range.start, committed = filesystem_.last_committed();
  if (extent.generation > committed) return;  // may not be written yet
  // Other copies are on other devices, whose own scrub looks at them.
  const std::vector<int> mirrors = mirrors_here(chunk, bytenr);
  if (mirrors.empty()) return;
  count([&](ScrubProgress& progress) {
    ++progress.tree_extents;
    progress.tree_bytes += extent.range.length() * mirrors.size();
  });
  const uint64_t generation = generation_of(extent, committed);
  for (const int mirror : mirrors) {
    const Status sound = volume_.check_tree_block_copy(bytenr, mirror, generation, extent.level, committed);
    if (sound) continue;
    volume_.note_bad_copy(bytenr, mirror);
    std::vector<std::byte> good(volume_.nodesize());
    const bool found = volume_.read_tree_block(bytenr, good, generation, extent.level, committed).has_value();
    const bool mended = found && repair_ && volume_.repair_copy(bytenr, good, mirror, WriteKind::metadata);
    count([&](ScrubProgress& progress) {
      ++(sound.error().code == EIO ? progress.read_errors : progress.csum_errors);
      ++(mended ? progress.corrected : progress.uncorrectable);
    });
    log(LogLevel::warning, "scrub: device {}: copy {}: {}; {}", devid_, mirror, sound.error().message,
        mended  ? "brought back"
        : found ? "another is good"
                : "no copy is good");
  }
}

Status Scrub::scrub_data(const ChunkMapping& chunk, ByteRange range) {
  const uint32_t sector = volume_.sectorsize(), each = volume_.csum_size_bytes();
  BF_ASSIGN(const CsumRange known, lookup_csums(filesystem_.csum_tree(), range, sector, each));
  // A piece lies on one stripe.
  for (uint64_t at = range.start; at < range.end;) {
    const StripePiece piece = stripe_piece(chunk, at - chunk.start, range.end - at);
    const size_t first = (at - range.start) / sector, sectors = piece.length / sector;
    const std::vector<bool> present(known.present.begin() + static_cast<ptrdiff_t>(first),
                                    known.present.begin() + static_cast<ptrdiff_t>(first + sectors));
    BF_TRY(scrub_piece(chunk, ByteRange::at(at, piece.length),
                       ByteSpan(known.csums).subspan(first * each, sectors * each), present));
    at += piece.length;
  }
  return {};
}

Status Scrub::scrub_piece(const ChunkMapping& chunk, ByteRange range, ByteSpan csums,
                          const std::vector<bool>& present) {
  const size_t sector = volume_.sectorsize(), each = volume_.csum_size_bytes();
  std::vector<std::byte> bytes(range.length());
  for (const int mirror : mirrors_here(chunk, range.start)) {
    const bool read = volume_.read(range.start, bytes, mirror).has_value();
    uint64_t unsummed = 0;
    for (size_t index = 0; index < present.size(); ++index) {
      const uint64_t bytenr = range.start + index * sector;
      const ByteSpan wanted = csums.subspan(index * each, each);
      if (!present[index]) ++unsummed;
      // Without a checksum only reading can fail.
      if (read && !present[index]) continue;
      if (read &&
          std::memcmp(checksum(volume_.csum_type(), ByteSpan(bytes).subspan(index * sector, sector)).data(),
                      wanted.data(), each) == 0)
        continue;
      const bool mended = present[index] && restore(bytenr, wanted, mirror);
      count([&](ScrubProgress& progress) {
        ++(read ? progress.csum_errors : progress.read_errors);
        ++(mended ? progress.corrected : progress.uncorrectable);
      });
      log(LogLevel::warning, "scrub: device {}: data at {}: copy {} is bad, {}", devid_, bytenr, mirror,
          mended ? "brought back" : "and was not brought back");
    }
    count([&](ScrubProgress& progress) {
      progress.data_bytes += range.length();
      progress.no_csum += unsummed;
    });
  }
  return {};
}

bool Scrub::restore(uint64_t bytenr, ByteSpan csum, int mirror) {
  volume_.note_bad_copy(bytenr, mirror);
  if (!repair_) return false;
  std::vector<std::byte> good(volume_.sectorsize());
  for (int other = 0; other < volume_.copies(bytenr); ++other) {
    if (other == mirror || !volume_.read(bytenr, good, other)) continue;
    if (std::memcmp(checksum(volume_.csum_type(), good).data(), csum.data(), csum.size()) == 0)
      return volume_.repair_copy(bytenr, good, mirror, WriteKind::data);
  }
  return false;
}

// Only told, and left: writing a superblock is the commit's, which knows in which order.
void Scrub::scrub_supers() {
  const MemberDevice& member = *volume_.member(devid_);
  const uint64_t end = std::min<uint64_t>(member.device->size_bytes(), member.item.total_bytes);
  for (int mirror = 0; mirror < kSuperMirrors && super_mirror_offset(mirror) + kSuperSize <= end; ++mirror) {
    const auto super = read_super_mirror(*member.device, mirror);
    if (super && check_super_mirror(*super, mirror)) continue;
    count([](ScrubProgress& progress) { ++progress.super_errors; });
    log(LogLevel::warning, "scrub: device {}: superblock mirror {} is bad; the next commit writes it anew",
        devid_, mirror);
  }
}

}  // namespace butterfuse
