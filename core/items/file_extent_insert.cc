// SPDX-License-Identifier: GPL-2.0-or-later
// Inserting file extents: fresh ones, references to existing ones, and explicit holes.
// The item comes first and its reference second, both within one handle: no commit sees one without
// the other.
#include "core/items/file_extent_item.h"

namespace butterfuse {
namespace {

// Zlib has been in btrfs from the beginning, and has no bit.
void note_compression(Filesystem& filesystem, uint8_t compression) {
  const uint64_t bit = compression == compression_type::kLzo    ? incompat::kCompressLzo
                       : compression == compression_type::kZstd ? incompat::kCompressZstd
                                                                : 0;
  if (bit != 0 && !filesystem.has_incompat(bit)) filesystem.set_incompat(bit);
}

Status insert_item(Tree& tree, TransactionHandle& handle, uint64_t ino, const FileExtent& extent) {
  DiskFileExtent disk = encode_file_extent(extent);
  disk.generation = handle.transid();
  WriteCursor cursor(tree, handle);
  const Key key = file_extent_key(ino, extent.start);
  handle.note_file_extents(tree.id(), ino,
                           {extent.start, round_up(extent.end(), handle.filesystem().sectorsize())});
  if (extent.kind != ExtentKind::inline_data) return cursor.insert(key, object_bytes(disk));
  const auto size = static_cast<uint32_t>(kInlineHeadBytes + extent.data.size());
  BF_ASSIGN(MutableByteSpan bytes, cursor.insert(key, size));
  std::memcpy(bytes.data(), &disk, kInlineHeadBytes);
  if (!extent.data.empty())
    std::memcpy(bytes.data() + kInlineHeadBytes, extent.data.data(), extent.data.size());
  return {};
}

}  // namespace

Status insert_file_extent(Tree& tree, TransactionHandle& handle, uint64_t ino, const FileExtent& extent,
                          bool fresh) {
  BF_TRY(insert_item(tree, handle, ino, extent));
  note_compression(handle.filesystem(), extent.compression);
  const std::optional<DataRef> ref = data_ref_of(tree, ino, extent);
  if (!ref) return {};
  Status referenced = fresh ? handle.insert_data_extent(*ref) : handle.add_data_ref(*ref);
  if (!referenced) handle.abort(referenced.error());
  return referenced;
}

Status insert_hole(Tree& tree, TransactionHandle& handle, uint64_t ino, ByteRange range) {
  if (range.empty() || handle.filesystem().has_incompat(incompat::kNoHoles)) return {};
  FileExtent hole;
  hole.start = range.start;
  hole.num_bytes = hole.ram_bytes = range.length();
  return insert_item(tree, handle, ino, hole);
}

Status fill_gaps_before(Tree& tree, TransactionHandle& handle, uint64_t ino, uint64_t end, bool prealloc) {
  if (end == 0 || handle.filesystem().has_incompat(incompat::kNoHoles)) return {};
  ByteRange uncovered{0, end};
  if (!prealloc) {
    ReadCursor cursor(tree);
    BF_ASSIGN(const bool found, cursor.seek_at_or_before(file_extent_key(ino, end)));
    if (found && is_file_extent_of(cursor.key(), ino)) {
      BF_ASSIGN(const FileExtent last, checked_file_extent(cursor.key(), cursor.data()));
      uncovered.start = occupied_end(last);
    }
  }
  BF_ASSIGN(const auto gaps, ranges_without_items(tree, ino, uncovered));
  for (const ByteRange gap : gaps) BF_TRY(insert_hole(tree, handle, ino, gap));
  return {};
}

uint64_t max_inline_bytes(Filesystem& filesystem) {
  const uint64_t item_max = filesystem.volume().nodesize() - sizeof(DiskHeader) - sizeof(DiskItem);
  // btrfs check: less than a sector of stored bytes, and the item must fit a leaf.
  return std::min<uint64_t>(filesystem.sectorsize() - 1, item_max - kInlineHeadBytes);
}

}  // namespace butterfuse
