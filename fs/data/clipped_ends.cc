// SPDX-License-Identifier: GPL-2.0-or-later
// ClippedEnds: what is remembered, and for how long.
#include "fs/data/clipped_ends.h"

#include <algorithm>
#include <utility>

#include "core/ondisk/constants.h"

namespace butterfuse {
namespace {

using namespace std::chrono_literals;

constexpr auto kRecent = 1s;
// From the answer to a writeback to the write that waited for it: as long as waking a thread may take.
constexpr auto kWaited = 100ms;
// From a write to the writeback that was queued with it; where none came lately, and where one did. Longer: a
// program that writes zeros at the end of a file which it stores into waits longer. Who only writes zeros
// waits no more often than that in vain.
constexpr auto kFirstOnItsWay = 5ms;
constexpr auto kOnItsWay = 10ms;
// Where the writeback waits for a processor between two of its steps, all of this takes longer: on a quiet
// machine it comes 2 ms behind the write, on a busy one 30. Four times what was seen, and so much at most.
constexpr int kTimesLate = 4;
constexpr auto kOnItsWayMost = 200ms;
constexpr int kLateFades = 256;  // a part of it, with each writeback that comes earlier
constexpr int kWaitsInVainMax = 3;
constexpr int kRefusedMax = 3;  // each is lost again with little likelihood

}  // namespace

// Each time twice as many as are left: who goes through them has paid for it.
void ClippedEnds::forget_old() {
  if (files_.size() < enough_) return;
  const auto now = Clock::now();
  std::erase_if(files_, [&](const auto& file) {
    const Clipped& clipped = file.second;
    return clipped.doubted.empty() && now - clipped.when > kRecent;
  });
  enough_ = std::max<size_t>(64, 2 * files_.size());
}

void ClippedEnds::note_growth(const InodeKey& file, uint64_t end) {
  MutexLock lock(mutex_);
  forget_old();
  Clipped& clipped = files_[file];
  clipped.grown_from = end;
  clipped.grown = Clock::now();
}

// Once for each write: what comes again later is told of when it is over.
void ClippedEnds::note_lateness(Clipped& clipped, uint64_t end, Clock::time_point now) {
  if (clipped.grown_from != end) return;
  clipped.grown_from = UINT64_MAX;
  const Clock::duration seen = std::min<Clock::duration>(now - clipped.grown, kOnItsWayMost);
  late_ = std::max(seen, late_ - late_ / kLateFades);
}

void ClippedEnds::note(const InodeKey& file, uint64_t end) {
  MutexLock lock(mutex_);
  forget_old();
  Clipped& clipped = files_[file];
  clipped.end = end;
  clipped.when = Clock::now();
  note_lateness(clipped, end, clipped.when);
  clipped.answered_for = false;
  clipped.waits_in_vain = 0;
  noted_.notify_all();
}

bool ClippedEnds::took_bytes_of_write(const InodeKey& file, uint64_t end) {
  const auto came = Clock::now();
  MutexLock lock(mutex_);
  forget_old();
  for (auto now = came;; now = Clock::now()) {
    Clipped& clipped = files_[file];
    const bool is_about = now - clipped.when < kRecent;
    if (is_about && clipped.end == end && !clipped.answered_for && came - clipped.when < kWaited) {
      if (std::exchange(clipped.refused_end, end) != end) clipped.refused = 0;
      clipped.answered_for = true;
      return clipped.refused++ < kRefusedMax;
    }
    // Linkers and others write zeros into files that nobody writes back: those wait for the shortest time.
    const Clock::duration on_its_way =
        is_about ? std::clamp<Clock::duration>(kTimesLate * late_, kOnItsWay, kOnItsWayMost) : kFirstOnItsWay;
    const auto give_up = came + on_its_way;
    if (now >= give_up) ++clipped.waits_in_vain;
    if (now >= give_up || clipped.waits_in_vain >= kWaitsInVainMax) return false;
    noted_.wait_for(lock, give_up - now);
  }
}

ClippedEnds::Doubt::Doubt(ClippedEnds& ends, const InodeKey& file, ByteRange range)
    : ends_(ends), file_(file), range_(range) {
  MutexLock lock(ends_.mutex_);
  ends_.forget_old();
  ends_.files_[file_].doubted.push_back(range_);
}

ClippedEnds::Doubt::~Doubt() {
  MutexLock lock(ends_.mutex_);
  auto& doubted = ends_.files_.find(file_)->second.doubted;
  doubted.erase(std::ranges::find(doubted, range_));
}

std::vector<ByteRange> ClippedEnds::doubted(const InodeKey& file) const {
  MutexLock lock(mutex_);
  const auto found = files_.find(file);
  return found == files_.end() ? std::vector<ByteRange>() : found->second.doubted;
}

}  // namespace butterfuse
