// FileData: the data of one open inode: its pages, delalloc, ordered extents and sizes. What vfs talks to.
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

namespace butterfuse {

class Filesystem;
class TransactionHandle;
class Tree;
class DataEngine;  // data_engine.h: page cache, worker pools, domains and counters shared by all files of a
                   // mount

struct CompressChoice {
  uint8_t type = 0;    // compression_type::; 0: do not compress
  int level = 0;       // 0: the codec's default
  bool force = false;  // compress-force: no heuristic, NOCOMPRESS ignored
  bool operator==(const CompressChoice&) const = default;
};

// What the data side needs to know and tell of its inode; vfs::Inode implements it. Called from any thread,
// with no page lock needed; implementations take only their own small mutex.
class DataOwner {
 public:
  virtual ~DataOwner() = default;
  virtual Tree& tree() = 0;
  virtual uint64_t root_id() const = 0;  // of that tree
  virtual uint64_t ino() const = 0;
  virtual CompressChoice compress_choice() const = 0;  // mount option, property and inode flags combined
  virtual bool nodatasum() const = 0;
  virtual bool nodatacow() const = 0;
  // Space was preallocated for it at some time (inode flag PREALLOC): its writes look for such extents.
  virtual bool has_prealloc() const { return false; }
  // `content` was read from the file's extents for the whole pages of `range`: EIO when it is not what it must be, beyond
  // what checksums say (fs-verity). Reads trees; called with pages locked.
  virtual Status check_content(ByteRange, ByteSpan) { return {}; }
  // Its data is written anew: where it lies now is what is wrong with it.
  virtual bool is_rewritten() const { return false; }
  // The file turned out not to compress (sticky NOCOMPRESS flag is the owner's decision).
  virtual void note_incompressible() = 0;
  // A finished extent changed what the inode item says; called inside `handle`'s transaction: the new item
  // must be written before that transaction commits. `disk_size`: bytes [0, disk_size) of the file are
  // complete on disk.
  virtual void note_extents_changed(TransactionHandle& handle, int64_t nbytes_delta, uint64_t disk_size) = 0;
};

// Of a write for which there is not enough space.
enum class HowMuch { what_fits, all };

// Thread-safe. The caller (vfs) excludes write/truncate/punch of one file against each other with the inode's
// rwlock (write and truncate exclusive, read shared); writeback runs beside all of them at any time.
class FileData {
 public:
  // `size`, `disk_size`: i_size of the inode item. `owner` outlives this.
  FileData(DataEngine& engine, DataOwner& owner, uint64_t size);
  // REQUIRES no dirty pages and no ordered extents (see invalidate / flush); drops clean pages.
  ~FileData();

  uint64_t size() const;                           // i_size in memory
  uint64_t disk_size() const;                      // what an inode item written now may claim
  uint64_t delalloc_bytes() const;                 // dirty bytes whose new extents are not made yet
  // Calls `count` with the ranges whose new extents are not in the trees yet, dirty or on their way to disk,
  // in order; none of them gets there before it returns. For stat, which counts those that lie in holes.
  void with_pending(const std::function<void(const std::vector<ByteRange>&)>& count);

  // Copies bytes in: reserves data and metadata space first (ENOSPC, nothing written, or a short count when
  // part fitted), waits for writeback of the pages (stable pages), may throttle the caller at its domain's
  // dirty limit. Grows size(). EFBIG at the format's limit. EIO when a partial page could not be read first.
  // HowMuch::all: no short count; after an error that comes later than the promises a part may be written.
  Result<size_t> write(uint64_t offset, const std::vector<ByteSpan>& pieces, DomainId domain,
                       HowMuch how_much = HowMuch::what_fits);

  // Calls `sink` once with the bytes of [offset, min(offset + length, size())) in pieces that stay good
  // (pinned) during the call only: page memory goes to the FUSE reply with no copy of ours.
  Status read(uint64_t offset, size_t length, const std::function<void(const std::vector<ByteSpan>&)>& sink);
  // Starts filling the cache ahead of a sequential reader; never waits.
  void readahead(ByteRange range);

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
  // tail of the last block (dirtying it), drops clean pages; the tree items are then cut by the caller (vfs)
  // in transactions. REQUIRES new_size <= size().
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
  // Extents of what is written now are cut at multiples of this, at the latest.
  uint64_t extent_bytes_max() const;
  // The inode is dead (nlink 0, last reference): throw all dirty pages away, wait for I/O in flight.
  void invalidate();
  bool has_dirty_or_ordered() const;
  // Held by whoever changes the file's extent items while writeback may do so too: it fills gaps anywhere
  // before what it writes. Taken before a transaction handle, but behind the reservation of its metadata,
  // which may commit and so wait for writeback.
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
