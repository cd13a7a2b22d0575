// SPDX-License-Identifier: GPL-2.0-or-later
// FileData: the data of one open inode: its pages, delalloc, ordered extents and sizes. What fs talks to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/byte_range.h"
#include "core/base/bytes.h"
#include "core/base/mutex.h"
#include "core/base/result.h"
#include "core/cache/writeback_domain.h"
#include "core/delalloc/data_owner.h"
#include "core/file_data/how_much.h"
#include "core/file_data/readahead_window.h"

namespace butterfuse {

class DataEngine;  // data_engine.h: what all files of a mount share

// Thread-safe. The caller (fs/data) excludes write, truncate and punch of one file against each other
// with the inode's data lock (write and truncate exclusive, read shared); writeback runs beside all of
// them at any time.
class FileData {
 public:
  // `size`: i_size of the inode item, which is then also what is on disk. `owner` outlives this.
  FileData(DataEngine& engine, DataOwner& owner, uint64_t size);
  // REQUIRES no dirty pages and no ordered extents (see invalidate / flush); drops clean pages.
  ~FileData();

  uint64_t size() const;            // i_size in memory
  uint64_t disk_size() const;       // what an inode item written now may claim
  uint64_t delalloc_bytes() const;  // dirty bytes whose new extents are not made yet
  // Calls `count` with the ranges whose new extents are not in the trees yet, dirty or on their way to disk,
  // in order; none of them gets there before it returns. For stat, which counts those that lie in holes.
  void with_pending(const std::function<void(const std::vector<ByteRange>&)>& count);

  // Copies bytes in: has data and metadata space promised first (ENOSPC, nothing written, or a short
  // count when part fitted), waits for writeback of the pages (stable pages), may throttle the caller at
  // its domain's dirty limit. Grows size(). EFBIG at the format's limit. EIO when a partial page could
  // not be read first. HowMuch::all: no short count; after an error that comes later than the promises a
  // part may be written.
  Result<size_t> write(uint64_t offset, const std::vector<ByteSpan>& pieces, DomainId domain,
                       HowMuch how_much = HowMuch::what_fits);

  // Calls `sink` once with the bytes of [offset, min(offset + length, size())) in pieces that stay good
  // (pinned) during the call only: page memory goes to the FUSE reply with no copy of ours. Starts filling
  // the cache ahead of a `reader` that is sequential, and does not wait for that.
  Status read(uint64_t offset, size_t length, ReadaheadWindow& reader,
              const std::function<void(const std::vector<ByteSpan>&)>& sink);

  // Starts writeback of dirty pages in the range and, when `wait`, waits until their extents are in the trees
  // (not committed). An error that came meanwhile is returned, and stays ahead of take_error(); without
  // `wait` none is.
  Status flush(ByteRange range, bool wait);
  // Flushes a range before another file shares its extents, and with it all bytes of the file that were taken
  // only because their extent is its alone. REQUIRES that nobody writes.
  Status flush_to_share(ByteRange range);
  // Errors of writeback since this `seen` cursor (errseq semantics: every open file gets each error once).
  Status take_error(uint64_t& seen);
  uint64_t error_cursor() const;  // for a fresh open

  // i_size becomes smaller: cancels dirty pages behind new_size, waits for ordered extents there, zeroes the
  // tail of the last block (dirtying it), drops clean pages; the tree items are then cut by the caller in
  // transactions. REQUIRES new_size <= size().
  Status truncate_pages(uint64_t new_size);
  // Before i_size becomes larger: zeroes the tail of the last block. ENOSPC, EIO: nothing changed.
  Status zero_old_end();
  // i_size becomes larger: by a hole, or by extents that the caller has inserted. REQUIRES zero_old_end()
  // before. With items_mutex() held, inside the transaction, no item missing below `size`.
  void extend(uint64_t size);
  // See FileSize::lower_on_disk and raise. With items_mutex() held, inside the transaction.
  void lower_disk_size(uint64_t end);
  void raise_disk_size();
  // Zeroes and dirties the parts of `range` that do not cover their page, at its two ends and below size():
  // for what will drop the rest. ENOSPC, EIO: nothing changed.
  Status zero_edges(ByteRange range);
  // Forgets whole pages, dirty or not, and waits for ordered extents there: for who replaces their items.
  void drop_pages(ByteRange pages);
  // Makes every page of the range dirty as it is, so that its extents are written anew (defragment,
  // recompress). ENOSPC, EIO.
  Status rewrite(ByteRange range);
  // No extent of what is written now is longer than this; from a multiple of it, none reaches over the next.
  uint64_t extent_bytes_max() const;
  // The inode is dead (nlink 0, last reference): throw all dirty pages away, wait for I/O in flight.
  void invalidate();
  bool has_dirty_or_ordered() const;
  // Held by whoever changes the file's extent items while writeback may do so too: it fills gaps anywhere
  // before what it writes. Taken before a transaction handle, but behind the promise of its metadata, which
  // may commit and so wait for writeback.
  Mutex& items_mutex();
  // Drops clean pages (drop caches, memory pressure).
  void drop_clean_pages();

  // Implementation: file_data_impl.h, inside this room.
  class Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace butterfuse
