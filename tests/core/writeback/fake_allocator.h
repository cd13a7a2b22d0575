// SPDX-License-Identifier: GPL-2.0-or-later
// FakeAllocator: the part of an allocator that the pipeline meets: exact promises, and runs of free space.
#pragma once

#include <atomic>
#include <map>

#include "core/alloc/allocator.h"

// Promises come back on any thread; the rest stays behind FakeBackend's mutex.
class FakeAllocator final : public butterfuse::Allocator {
  using ByteRange = butterfuse::ByteRange;
  using SpaceClass = butterfuse::SpaceClass;
  using Status = butterfuse::Status;

 public:
  explicit FakeAllocator(uint64_t bytes) : total_(bytes) { free_[kFirstByte] = kFirstByte + bytes; }

  static constexpr uint64_t kFirstByte = 1 << 20;
  uint64_t allocated = 0, longest_run = ~uint64_t{0};
  std::atomic<uint64_t> data_promised{0}, metadata_promised{0};

  butterfuse::Result<butterfuse::Reservation> reserve(SpaceClass space, uint64_t bytes) override {
    if (space == SpaceClass::data) {
      if (allocated + data_promised + bytes > total_)
        return butterfuse::make_error(ENOSPC, "fake: {} bytes", bytes);
      data_promised += bytes;
    } else {
      metadata_promised += bytes;
    }
    return make_reservation(space, bytes);
  }
  uint64_t metadata_bytes_for_items(uint64_t items) const override { return items << 16; }

  butterfuse::Result<ByteRange> alloc_data(uint64_t bytes, uint64_t min_bytes, uint64_t) override {
    bytes = std::min(bytes, std::max(longest_run, min_bytes));
    if (min_bytes > longest_run) return butterfuse::make_error(ENOSPC, "fake: no run of {} bytes", min_bytes);
    auto best = free_.end();
    for (auto at = free_.begin(); at != free_.end(); ++at) {
      if (best == free_.end() || at->second - at->first > best->second - best->first) best = at;
      if (at->second - at->first >= bytes) {
        best = at;
        break;
      }
    }
    if (best == free_.end() || best->second - best->first < min_bytes)
      return butterfuse::make_error(ENOSPC, "fake: no run of {} bytes", min_bytes);
    const ByteRange run{best->first, std::min(best->second, best->first + bytes)};
    const uint64_t end = best->second;
    free_.erase(best);
    if (run.end < end) free_[run.end] = end;
    allocated += run.length();
    return run;
  }
  void release_reserved(ByteRange range) override {
    allocated -= range.length();
    auto [at, fresh] = free_.emplace(range.start, range.end);
    require_fresh(fresh);
    if (auto next = std::next(at); next != free_.end() && next->first == range.end) {
      at->second = next->second;
      free_.erase(next);
    }
    if (at != free_.begin() && std::prev(at)->second == range.start) {
      std::prev(at)->second = at->second;
      free_.erase(at);
    }
  }

  // What the pipeline never asks for.
  butterfuse::Result<uint64_t> alloc_tree_block(SpaceClass) override { return unused(); }
  Status reserve_at(SpaceClass, ByteRange) override { return unused(); }
  Status note_extent_added(butterfuse::CowContext&, ByteRange) override { return unused(); }
  Status note_extent_removed(butterfuse::CowContext&, ByteRange) override { return unused(); }
  void release_unwritten_tree_block(uint64_t) override {}
  Status insert_pending_block_groups(butterfuse::CowContext&, butterfuse::DiskSuper&) override {
    return unused();
  }
  Status remove_empty_block_groups(butterfuse::CowContext&, butterfuse::DiskSuper&) override {
    return unused();
  }
  butterfuse::Result<bool> write_block_group_items(butterfuse::CowContext&) override { return unused(); }
  void begin_commit(uint64_t) override {}
  void finish_commit(uint64_t) override {}
  bool commit_would_free(SpaceClass, uint64_t) const override { return false; }
  butterfuse::SpaceNumbers numbers(SpaceClass) const override { return {}; }
  butterfuse::StatfsNumbers statfs() const override { return {}; }
  uint64_t bytes_used() const override { return allocated; }
  uint64_t device_bytes_used() const override { return 0; }
  uint64_t trim(ByteRange, uint64_t) override { return 0; }
  void set_discard(bool) override {}
  Status rebuild_free_space_tree(butterfuse::CowContext&, butterfuse::Tree&) override { return {}; }

 private:
  static tl::unexpected<butterfuse::Error> unused() { return butterfuse::make_error(ENOSYS, "fake"); }
  static void require_fresh(bool fresh) {
    if (!fresh) std::abort();
  }
  void give_back(SpaceClass space, uint64_t, uint64_t bytes) override {
    std::atomic<uint64_t>& promised = space == SpaceClass::data ? data_promised : metadata_promised;
    if (promised.fetch_sub(bytes) < bytes) std::abort();
  }

  const uint64_t total_;
  std::map<uint64_t, uint64_t> free_;  // start -> end
};
