// SPDX-License-Identifier: GPL-2.0-or-later
// Growth: how many times more processor time the same work takes where there is more of something.
#pragma once

#include <algorithm>
#include <ctime>
#include <limits>

// Of this thread alone, so that what others do beside it is not in it. work(n) must end where it began: the
// least of some runs counts.
template <class Work>
double thread_seconds(Work work, int n) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  double least = std::numeric_limits<double>::max();
  for (int run = 0; run < 5; ++run) {
    const double start = now();
    work(n);
    least = std::min(least, now() - start);
  }
  return least;
}

template <class Work>
double growth(Work work, int few, int many) {
  const double least = thread_seconds(work, few);
  return thread_seconds(work, many) / std::max(least, 1e-6);
}
