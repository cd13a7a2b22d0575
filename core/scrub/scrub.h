// SPDX-License-Identifier: GPL-2.0-or-later
// Scrub: reads and verifies all that is stored on one device of an open file system, mends bad copies.
#pragma once

#include <atomic>

#include "core/transaction/filesystem.h"

namespace butterfuse {

// The counts of btrfs_scrub_progress.
struct ScrubProgress {
  uint64_t data_extents = 0, tree_extents = 0, data_bytes = 0, tree_bytes = 0;
  uint64_t read_errors = 0, csum_errors = 0, no_csum = 0, super_errors = 0;
  uint64_t uncorrectable = 0, corrected = 0;
  uint64_t last_physical = 0;  // everything on the device before it is done: where to go on
  uint64_t errors() const { return read_errors + csum_errors + super_errors; }
};

// Runs beside writers: what is verified is what the last commit has. Of RAID5 and RAID6 it verifies data, not
// parity. run() is for one thread; progress() and cancel() may be called from any.
class Scrub {
 public:
  // [start, end) in bytes of the device. `repair`: writes good bytes over bad ones, where the mount may.
  Scrub(Filesystem& filesystem, uint64_t devid, ByteRange physical, bool repair);

  // Runs on the calling thread, at idle I/O priority. ENODEV; ECANCELED after cancel(): progress() then says
  // where to go on. EUCLEAN: an extent reaches over its chunk's end. Bad copies are no error: progress()
  // counts them. The caller holds no lock of a tree and no handle.
  Status run();
  void cancel() { cancelled_ = true; }
  ScrubProgress progress() const;

 private:
  struct DeviceExtent {
    uint64_t physical = 0, length = 0, chunk = 0;
  };
  struct StoredExtent {
    ByteRange range;
    bool is_tree_block = false;
    uint64_t generation = 0;
    int level = -1;
  };
  // ECANCELED after cancel().
  Status unless_cancelled() const;
  Result<std::vector<DeviceExtent>> device_extents();
  Status scrub_chunk(const ChunkMapping& chunk);
  StoredExtent stored_extent(const Key& key, const DiskExtentItem& item) const;
  // Of the extent tree, from `cursor` on, which moves behind them; few, so that a commit does not wait long.
  Result<std::vector<StoredExtent>> next_extents(uint64_t& cursor, uint64_t end);
  Status scrub_batch(const ChunkMapping& chunk, uint64_t& cursor);
  uint64_t generation_of(const StoredExtent& extent, uint64_t committed) const;
  void scrub_tree_block(const ChunkMapping& chunk, const StoredExtent& extent);
  Status scrub_data(const ChunkMapping& chunk, ByteRange range);
  Status scrub_piece(const ChunkMapping& chunk, ByteRange range, ByteSpan csums,
                     const std::vector<bool>& present);
  // Writes a sector of another copy over this one, if its checksum is right. False: none is, or `repair`
  // is off.
  bool restore(uint64_t bytenr, ByteSpan csum, int mirror);
  std::vector<int> mirrors_here(const ChunkMapping& chunk, uint64_t bytenr) const;
  void scrub_supers();

  template <class Change>
  void count(Change change) {
    MutexLock lock(mutex_);
    change(progress_);
  }

  Filesystem& filesystem_;
  Volume& volume_;
  const uint64_t devid_;
  const ByteRange physical_;
  const bool repair_;
  std::atomic<bool> cancelled_{false};
  mutable Mutex mutex_;
  ScrubProgress progress_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
