// SPDX-License-Identifier: GPL-2.0-or-later
// Growth: how many times more processor time the same work takes where there is more of something.
#pragma once

#include <algorithm>
#include <ctime>
#include <limits>

inline double thread_seconds_now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// How far `few` and `many` must be apart: what grows as it should costs up to four times as much for each of
// many, which lie beyond the processor's caches and in deeper trees. So 32 times as many, of which each may
// cost 8 times as much: where each looks at all others it is 32 times.
//
// Of this thread alone, so that what others do beside it is not in it. work(n) must end where it began: the
// least of many runs counts, and few and many take turns, since a machine may be slow for as long as several
// runs take.
template <class Work>
double growth(Work work, int few, int many) {
  constexpr int kRuns = 15;
  const auto seconds = [&](int n) {
    const double start = thread_seconds_now();
    work(n);
    return thread_seconds_now() - start;
  };
  double least = std::numeric_limits<double>::max(), most = least;
  for (int run = 0; run < kRuns; ++run) {
    least = std::min(least, seconds(few));
    most = std::min(most, seconds(many));
  }
  return most / std::max(least, 1e-6);
}
