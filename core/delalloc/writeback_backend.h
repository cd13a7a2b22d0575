// SPDX-License-Identifier: GPL-2.0-or-later
// WritebackBackend: all that the pipeline asks of the file system below it: space, bytes, trees.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/alloc/allocator.h"
#include "core/base/byte_range.h"
#include "core/base/bytes.h"
#include "core/base/checksum.h"
#include "core/base/result.h"
#include "core/delalloc/data_owner.h"

namespace butterfuse {

constexpr uint32_t kSectorBytes = 4096;  // one page is one sector; other sector sizes are refused at open

// A part of a file that may be written where it lies, because nobody else sees that space.
struct InPlaceRange {
  ByteRange file;         // sector-aligned
  ByteRange disk;         // as long
  ByteRange whole;        // the extent that `disk` is part of
  bool prealloc = false;  // has no content yet: its item says so, and must change once it has
};

// One written extent, on its way into the trees.
struct FinishedExtent {
  ByteRange file;                        // sector-aligned
  ByteRange disk;                        // logical bytes; shorter than `file` when compressed
  uint8_t compression = 0;               // compression_type::
  ByteSpan csums;                        // of the stored sectors; empty: the file has none
  std::optional<InPlaceRange> in_place;  // written there; else the space was allocated for it
};

// A whole small file, stored in its file extent item.
struct InlineData {
  uint64_t ram_bytes = 0;
  uint8_t compression = 0;
  std::vector<std::byte> stored;
};

// How a backend tells that extents go into the trees, inside the transaction.
struct ExtentsInTrees {
  // Once the items are changed: the extents count as on disk from here. Returns the size that the inode item
  // may claim now.
  std::function<uint64_t()> tell;
  uint64_t operator()() const { return tell(); }
  // Held exclusively from the first item that changes until the owner is told of nbytes, and never while
  // waiting for a transaction: who counts the file's bytes holds it shared, and sees each byte once.
  SharedMutex& moving;
};

// EngineBackend in production; in tests a fake that fails at a chosen step and counts every
// promise. Thread-safe.
class WritebackBackend {
 public:
  virtual ~WritebackBackend() = default;
  virtual CsumType csum_type() const = 0;
  virtual uint64_t max_inline_bytes() const = 0;  // stored bytes an inline extent may have

  // ---- space ----
  virtual Result<Reservation> reserve_data(uint64_t bytes) = 0;
  virtual Result<Reservation> reserve_metadata(uint64_t bytes, uint64_t root) = 0;  // for that tree
  virtual uint64_t metadata_bytes_per_extent() const = 0;  // to insert one regular extent, replacing others
  // After ENOSPC: commits, which frees what was dropped since the last one. False: nothing to hope for.
  virtual Result<bool> commit_for_space() = 0;
  // See Allocator::alloc_data. The caller holds the promise that covers it.
  virtual Result<ByteRange> alloc_extent(uint64_t bytes, uint64_t min_bytes, uint64_t hint) = 0;
  // Which parts of a file can be written in place now, in order: those of nodatacow files, and preallocated
  // ones, if the extent is nobody else's.
  virtual Result<std::vector<InPlaceRange>> in_place_ranges(DataOwner&, ByteRange) {
    return std::vector<InPlaceRange>{};
  }
  // Space that no item knows.
  virtual void release_extent(ByteRange disk) = 0;

  // ---- bytes ----
  virtual Status write(uint64_t bytenr, const std::vector<ByteSpan>& pieces) = 0;
  // File bytes from the extents on disk, checked and decompressed; holes are zero. Page-aligned.
  virtual Status read(DataOwner& owner, ByteRange file, MutableByteSpan into) = 0;
  // The compressed extent around `position`, cut to `limit`; empty when it is not compressed.
  virtual Result<ByteRange> compressed_range(DataOwner& owner, uint64_t position, ByteRange limit) = 0;

  // ---- trees ----
  // One transaction: drops what the file has in the range of `extents` (contiguous, in file order), inserts
  // them and their checksums, calls in_trees, tells the owner. On an error the disk space is the backend's to
  // give back. An extent written in place comes alone.
  virtual Status finish_regular(DataOwner& owner, std::span<const FinishedExtent> extents,
                                Reservation metadata, const ExtentsInTrees& in_trees) = 0;
  virtual Status insert_inline(DataOwner& owner, const InlineData& data, Reservation metadata,
                               const ExtentsInTrees& in_trees) = 0;
  // What was to lie in the range could not be written, and the file's size goes on to cover it: a range
  // without any item may need one that says that it is a hole.
  virtual void cover_unwritten(DataOwner& owner, ByteRange file, Reservation metadata,
                               const ExtentsInTrees& in_trees) = 0;
};

}  // namespace butterfuse
