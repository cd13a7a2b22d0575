// SPDX-License-Identifier: GPL-2.0-or-later
// FreeSpace: which sectors of one block group are free, in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/base/byte_range.h"
#include "core/base/result.h"

namespace butterfuse {

// A bitmap, for its size is known however fragmented the group is (32 KiB for 1 GiB), and its search is as
// fast as that of a tree of runs. Free counts of every 4096 units let the search step over full and empty
// stretches. Invariants: no run is longer than run_bound_; page_free_ counts the set bits of its words.
// Not thread-safe.
class FreeSpace {
 public:
  // EUCLEAN for a range longer than any block group: its bitmap would take all memory.
  static Status check_length(ByteRange group);
  // Nothing is free at first. The range is a multiple of `unit` (the sector size) long.
  FreeSpace(ByteRange range, uint32_t unit);

  ByteRange range() const { return range_; }
  uint64_t free_bytes() const { return free_units_ * unit_; }
  // Both return how many bytes changed their state: less than the range when a part was so already.
  // REQUIRES: within range(), aligned to units.
  uint64_t set_free(ByteRange range);
  uint64_t set_used(ByteRange range);
  bool all_free(ByteRange range) const;
  bool none_free(ByteRange range) const;

  // False: no free run is that long. True: perhaps there is one.
  bool may_have_run(uint64_t bytes) const { return bytes <= run_bound_ * unit_; }
  // First address at or behind `from` of `bytes` free bytes, a multiple of `align`. Does not wrap.
  std::optional<uint64_t> find_run(uint64_t bytes, uint64_t align, uint64_t from);
  // No free run is longer, in bytes; there may be none as long.
  uint64_t run_bound() const { return run_bound_ * unit_; }
  // The longest free run; empty when nothing is free. Stops early at a run of at least `enough` bytes. Of
  // equals any one. run_bound() is its length then, but where it stopped early.
  ByteRange longest_run(uint64_t enough);
  void for_each_run(const std::function<void(ByteRange)>& visit) const;
  uint64_t count_runs() const;

 private:
  uint64_t unit_of(uint64_t bytenr) const { return (bytenr - range_.start) / unit_; }
  uint64_t bytenr_of(uint64_t unit) const { return range_.start + unit * unit_; }
  uint64_t next_free(uint64_t unit) const;                  // units_ when none
  uint64_t next_used(uint64_t unit, uint64_t limit) const;  // at most `limit`
  uint64_t run_start(uint64_t unit) const;                  // start of the run that `unit` is in
  uint64_t change(ByteRange range, bool free);

  const ByteRange range_;
  const uint32_t unit_;
  const uint64_t units_;
  uint64_t free_units_ = 0;
  uint64_t run_bound_ = 0;   // units
  uint64_t longest_at_ = 0;  // a unit: near it a run as long as run_bound_ is most likely
  std::vector<uint64_t> words_;
  std::vector<uint32_t> page_free_;
};

}  // namespace butterfuse
