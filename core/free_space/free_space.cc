// SPDX-License-Identifier: GPL-2.0-or-later
// FreeSpace: setting bits, and the search for runs of them.
//
//     words_       1 bit a unit           │ 64 │ 64 │ ...
//     page_free_   of 4096 units (16 MiB) │   how many of them are free: 0 and 4096 are stepped over
//     run_bound_   of all of it               what no free run is longer than; may_have_run() needs no search
//     longest_at_  a unit                     where the search for the longest run begins
//
// run_bound_ grows when something is freed, and shrinks only by a search that has seen all of it. In between
// it may be too large, which costs a search in vain, and never too small, which would hide space.
#include "core/free_space/free_space.h"

#include <algorithm>
#include <bit>

#include "core/base/assert.h"

namespace butterfuse {
namespace {

constexpr uint64_t kWordBits = 64;
// A count for each 4096 units: of 1 GiB these are 64 numbers, and at most 64 words are looked at one by one.
constexpr uint64_t kPageWords = 64;
constexpr uint64_t kPageBits = kWordBits * kPageWords;

}  // namespace

Status FreeSpace::check_length(ByteRange group) {
  // A bitmap of 32 MiB; the kernel makes groups of 10 GiB at most.
  constexpr uint64_t kLongest = uint64_t{1} << 40;
  if (group.length() <= kLongest) return {};
  return make_error(EUCLEAN, "block group {} is too long: {} bytes", group.start, group.length());
}

FreeSpace::FreeSpace(ByteRange range, uint32_t unit)
    : range_(range),
      unit_(unit),
      units_(range.length() / unit),
      words_(round_up(units_, kWordBits) / kWordBits),
      page_free_(round_up(units_, kPageBits) / kPageBits) {}

uint64_t FreeSpace::change(ByteRange range, bool free) {
  BF_ASSERT(
      range_.contains(range) && range.start % unit_ == range_.start % unit_ && range.length() % unit_ == 0,
      "[{}, {}) of [{}, {})", range.start, range.end, range_.start, range_.end);
  uint64_t changed = 0;
  const uint64_t end = unit_of(range.end);
  for (uint64_t unit = unit_of(range.start); unit < end;) {
    const uint64_t first = unit % kWordBits;
    const uint64_t count = std::min(kWordBits - first, end - unit);
    const uint64_t mask = (count == kWordBits ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << first;
    uint64_t& word = words_[unit / kWordBits];
    const uint64_t flips = (free ? ~word : word) & mask;
    word ^= flips;
    const uint32_t flipped = static_cast<uint32_t>(std::popcount(flips));
    page_free_[unit / kPageBits] += free ? flipped : -flipped;
    changed += flipped;
    unit += count;
  }
  free_units_ += free ? changed : -changed;
  return changed * unit_;
}

uint64_t FreeSpace::set_free(ByteRange range) {
  if (range.empty()) return 0;
  const uint64_t changed = change(range, true);
  const uint64_t first = unit_of(range.start);
  const uint64_t start = run_start(first), length = next_used(first, units_) - start;
  if (length > run_bound_) {
    run_bound_ = length;
    longest_at_ = start;
  }
  return changed;
}

uint64_t FreeSpace::set_used(ByteRange range) { return range.empty() ? 0 : change(range, false); }

bool FreeSpace::all_free(ByteRange range) const {
  const uint64_t end = unit_of(range.end);
  return range_.contains(range) && next_used(unit_of(range.start), end) == end;
}

bool FreeSpace::none_free(ByteRange range) const {
  return range_.contains(range) && next_free(unit_of(range.start)) >= unit_of(range.end);
}

uint64_t FreeSpace::next_free(uint64_t unit) const {
  while (unit < units_) {
    if (unit % kPageBits == 0 && page_free_[unit / kPageBits] == 0) {
      unit += kPageBits;
      continue;
    }
    const uint64_t word = words_[unit / kWordBits] >> (unit % kWordBits);
    if (word != 0) return unit + std::countr_zero(word);
    unit = round_down(unit, kWordBits) + kWordBits;
  }
  return units_;
}

uint64_t FreeSpace::next_used(uint64_t unit, uint64_t limit) const {
  while (unit < limit) {
    if (unit % kPageBits == 0 && page_free_[unit / kPageBits] == kPageBits) {
      unit += kPageBits;
      continue;
    }
    const uint64_t shift = unit % kWordBits;
    const uint64_t ones = std::countr_one(words_[unit / kWordBits] >> shift);
    unit += ones;
    if (shift + ones < kWordBits) break;
  }
  return std::min(unit, limit);
}

uint64_t FreeSpace::run_start(uint64_t unit) const {
  uint64_t end = unit + 1;  // everything of [end, unit] is known to be free
  while (end > 0) {
    if (end % kPageBits == 0 && page_free_[end / kPageBits - 1] == kPageBits) {
      end -= kPageBits;
      continue;
    }
    const uint64_t last = end - 1;
    const uint64_t have = last % kWordBits + 1;  // bits of the word up to `last`
    const uint64_t ones = std::countl_one(words_[last / kWordBits] << (kWordBits - have));
    end -= std::min(ones, have);
    if (ones < have) break;
  }
  return end;
}

std::optional<uint64_t> FreeSpace::find_run(uint64_t bytes, uint64_t align, uint64_t from) {
  if (!may_have_run(bytes) || from >= range_.end) return std::nullopt;
  const uint64_t need = bytes / unit_;
  uint64_t longest = 0;
  const uint64_t begin = unit_of(std::max(from, range_.start));
  for (uint64_t unit = next_free(begin); unit < units_; unit = next_free(unit)) {
    const uint64_t aligned = unit_of(round_up(bytenr_of(unit), align));
    const uint64_t end = next_used(unit, std::min(units_, aligned + need));
    if (end >= aligned + need) return bytenr_of(aligned);
    longest = std::max(longest, end - unit);
    unit = end;
  }
  // Only a search of the whole group, and one that alignment kept from nothing, has seen the longest run.
  if (begin == 0) run_bound_ = std::min(run_bound_, align == unit_ ? longest : run_bound_);
  return std::nullopt;
}

// Where many runs are as long as the longest, as in a group that is in pieces all over, the next one is found
// from where the last one was, and only a length that has run out costs a search of all of the group.
ByteRange FreeSpace::longest_run(uint64_t enough) {
  const uint64_t need = std::min(run_bound_, enough / unit_ + (enough % unit_ != 0));
  uint64_t best = 0, best_length = 0;
  const auto search = [&](uint64_t from, uint64_t to) {
    for (uint64_t unit = next_free(from); unit < to && best_length < need; unit = next_free(unit)) {
      const uint64_t end = next_used(unit, units_);
      if (end - unit > best_length) {
        best = unit;
        best_length = end - unit;
      }
      unit = end;
    }
    return best_length >= need;
  };
  // A run that the first search begins in the middle of is seen whole by the second.
  if (!search(longest_at_, units_) && !search(0, longest_at_)) run_bound_ = best_length;
  longest_at_ = best;
  return ByteRange::at(bytenr_of(best), best_length * unit_);
}

void FreeSpace::for_each_run(const std::function<void(ByteRange)>& visit) const {
  for (uint64_t unit = next_free(0); unit < units_;) {
    const uint64_t end = next_used(unit, units_);
    visit({bytenr_of(unit), bytenr_of(end)});
    unit = next_free(end);
  }
}

uint64_t FreeSpace::count_runs() const {
  uint64_t count = 0;
  for_each_run([&](ByteRange) { count++; });
  return count;
}

}  // namespace butterfuse
