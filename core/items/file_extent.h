// SPDX-License-Identifier: GPL-2.0-or-later
// File extents: which bytes of a file lie where, and the surgery on them.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/base/byte_range.h"
#include "core/base/result.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

enum class ExtentKind : uint8_t { hole, inline_data, regular, prealloc };

// One EXTENT_DATA item in native form. The walkers make up the holes of no-holes files: a walk has no gaps.
struct FileExtent {
  ExtentKind kind = ExtentKind::hole;
  uint64_t start = 0;        // file offset (the key)
  uint64_t num_bytes = 0;    // file bytes covered; inline: ram_bytes (unrounded)
  uint64_t ram_bytes = 0;    // uncompressed size of the whole extent on disk
  uint64_t disk_bytenr = 0;  // 0: hole
  uint64_t disk_num_bytes = 0;
  uint64_t offset = 0;      // of `start` in the uncompressed extent
  uint8_t compression = 0;  // compression_type::
  uint64_t generation = 0;
  std::vector<std::byte> data;  // inline: the stored (perhaps compressed) bytes
  uint64_t end() const { return start + num_bytes; }
};

// Takes what is there: a short item gives a hole. Of items that are changed see checked_file_extent.
FileExtent decode_file_extent(const Key& key, ByteSpan item);

// Extents that overlap `range`, in order, gaps and everything behind the last item filled with holes, until
// `visit` returns false. Holds the tree's shared lock meanwhile.
Status for_each_file_extent(Tree& tree, uint64_t ino, ByteRange range,
                            const std::function<bool(const FileExtent&)>& visit);
Result<std::vector<FileExtent>> list_file_extents(Tree& tree, uint64_t ino, ByteRange range);
// The parts of `range` that no item covers, in order: what a walk shows as holes and explicit holes are not.
Result<std::vector<ByteRange>> ranges_without_items(Tree& tree, uint64_t ino, ByteRange range);

// Removes what the file has in `range` (sector-aligned, or end = ~0), cutting extents at its edges
// and dropping or adding their data references. Returns by how many bytes nbytes falls. Leaves a gap
// (see insert_hole). EOPNOTSUPP: an inline extent can't be cut. An error behind the first change
// aborts the transaction.
Result<uint64_t> drop_file_extents(Tree& tree, TransactionHandle& handle, uint64_t ino, ByteRange range);
// Inserts one item into a gap. For a fresh extent pass `fresh`: its extent item is queued with it; otherwise
// a reference to an existing extent is added (reflink). Sets the incompat bit of a compression that is used
// first. An error once the item is there aborts the transaction.
Status insert_file_extent(Tree& tree, TransactionHandle& handle, uint64_t ino, const FileExtent& extent,
                          bool fresh);
// The bytes of `range`, which lies in one PREALLOC item, have their content now: a REG item, one with written
// neighbours of the same extent. At no moment a reader finds something else there or beside it. EUCLEAN when
// there is no such item. Any error aborts the transaction.
Status mark_extent_written(Tree& tree, TransactionHandle& handle, uint64_t ino, ByteRange range);
// Explicit hole item, only where no-holes is off; no-op otherwise.
Status insert_hole(Tree& tree, TransactionHandle& handle, uint64_t ino, ByteRange range);
// Explicit hole items wherever the file has no item below `end` (sector-aligned); no-op where no-holes is on.
// Without `prealloc` (inode flag PREALLOC) only behind the last extent can be a gap, which saves the walk.
Status fill_gaps_before(Tree& tree, TransactionHandle& handle, uint64_t ino, uint64_t end, bool prealloc);
// Inline extents are allowed up to this many stored bytes. The caller may want fewer (option max_inline).
uint64_t max_inline_bytes(Filesystem& filesystem);

// Cuts the items of `ino` behind new_size in bounded steps: removes at most `max_items` items, from the end.
// `done` false: call again with a new handle. The caller zeroes the tail of the last block in its page cache.
// An error behind the first change aborts the transaction.
struct TruncateStep {
  bool done = false;
  uint64_t nbytes_dropped = 0;
  uint64_t new_end = 0;  // every byte at or behind this is gone: safe disk size so far
};
Result<TruncateStep> truncate_file_extents(Tree& tree, TransactionHandle& handle, uint64_t ino,
                                           uint64_t new_size, uint32_t max_items);

}  // namespace butterfuse
