// SPDX-License-Identifier: GPL-2.0-or-later
// Extents of chunks with a copy on a stale device: tree blocks, and of data the sectors without checksum.
//
// Which extents changed while the device was away is not known: a tree block could be told by its generation,
// but its blocks were freed and given out again, too. So all are copied, whether they differ or not; it is
// the trees only, and few files are without checksums.
#include "core/scrub/resync.h"

#include <algorithm>

#include "core/base/log.h"
#include "core/csum/csum_tree.h"

namespace butterfuse {
namespace {

// Of data, whose checksums are looked up: 256 of them at sectors of 4 KiB.
constexpr uint64_t kBytesAtOnce = 1 << 20;

bool wants_resync(const MemberDevice& member) {
  // Of a device that is not written to nothing can be put right.
  return member.stale && !member.resynced && member.writable();
}

class Resync {
 public:
  explicit Resync(Filesystem& filesystem) : filesystem_(filesystem), volume_(filesystem.volume()) {}

  Status run() {
    for (const auto& chunk : volume_.chunks())
      if (chunk->profile().copies > 1 && has_stale_stripe(*chunk)) BF_TRY(resync_chunk(*chunk));
    return volume_.flush();
  }
  uint64_t bytes() const { return bytes_; }

 private:
  static bool has_stale_stripe(const ChunkMapping& chunk) {
    return std::ranges::any_of(chunk.stripes, [](const ChunkStripe& it) { return wants_resync(*it.device); });
  }

  Status resync_chunk(const ChunkMapping& chunk) {
    const uint64_t end = chunk.start + chunk.length;
    ReadCursor cursor(filesystem_.extent_tree());
    BF_TRY(cursor.seek({chunk.start, 0, 0}));
    for (; cursor.valid() && cursor.key().objectid < end;) {
      const Key key = cursor.key();
      const bool is_extent = key.type == key_type::kExtentItem || key.type == key_type::kMetadataItem;
      const bool is_data = is_extent && key.type == key_type::kExtentItem &&
                           !(cursor.as<DiskExtentItem>().flags & extent_flag::kTreeBlock);
      if (is_extent && !is_data)
        BF_TRY(copy_all(chunk, ByteRange::at(key.objectid, volume_.nodesize()), WriteKind::metadata));
      if (is_data && key.offset > end - key.objectid)
        return make_error(EUCLEAN, "extent {} of {} bytes leaves its chunk", key.objectid, key.offset);
      for (uint64_t at = key.objectid; is_data && at < key.objectid + key.offset; at += kBytesAtOnce)
        BF_TRY(resync_range(chunk, {at, std::min(key.objectid + key.offset, at + kBytesAtOnce)}));
      BF_TRY(cursor.next());
    }
    return {};
  }

  Status resync_range(const ChunkMapping& chunk, ByteRange range) {
    const uint32_t sector = volume_.sectorsize();
    BF_ASSIGN(const CsumRange known,
              lookup_csums(filesystem_.csum_tree(), range, sector, volume_.csum_size_bytes()));
    for (size_t first = 0, end; first < known.present.size(); first = end) {
      for (end = first; end < known.present.size() && known.present[end] == known.present[first];) ++end;
      if (known.present[first]) continue;
      BF_TRY(copy_all(chunk, {range.start + first * sector, range.start + end * sector}, WriteKind::data));
    }
    return {};
  }

  Status copy_all(const ChunkMapping& chunk, ByteRange range, WriteKind kind) {
    if (range.end > chunk.start + chunk.length)
      return make_error(EUCLEAN, "extent [{}, {}) leaves its chunk", range.start, range.end);
    for (uint64_t at = range.start; at < range.end;) {  // a piece lies on one stripe
      const StripePiece piece = stripe_piece(chunk, at - chunk.start, range.end - at);
      BF_TRY(copy(chunk, piece, at, kind));
      at += piece.length;
    }
    return {};
  }

  Status copy(const ChunkMapping& chunk, const StripePiece& piece, uint64_t bytenr, WriteKind kind) {
    std::vector<std::byte> bytes;
    for (size_t copy = 0; copy < piece.copies; ++copy) {
      if (!wants_resync(*chunk.stripes[piece.first_copy + copy].device)) continue;
      if (bytes.empty()) {
        bytes.resize(piece.length);
        BF_TRY(volume_.read_best(bytenr, bytes, false));
      }
      if (!volume_.repair_copy(bytenr, bytes, static_cast<int>(copy), kind))
        return make_error(EIO, "{} bytes at {} could not be copied", piece.length, bytenr);
      bytes_ += piece.length;
    }
    return {};
  }

  Filesystem& filesystem_;
  Volume& volume_;
  uint64_t bytes_ = 0;
};

}  // namespace

Status resync_stale_devices(Filesystem& filesystem) {
  const auto& members = filesystem.volume().members();
  if (std::ranges::none_of(members, [](const MemberDevice* member) { return wants_resync(*member); }))
    return {};
  Resync resync(filesystem);
  BF_TRY(resync.run());
  for (MemberDevice* member : members) {
    if (!wants_resync(*member)) continue;
    member->resynced = true;
    log(LogLevel::info,
        "device {}: what it missed of trees, and of data without checksum, was copied to it, {} bytes in all",
        member->devid, resync.bytes());
  }
  return {};
}

}  // namespace butterfuse
