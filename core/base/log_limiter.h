// SPDX-License-Identifier: GPL-2.0-or-later
// LogLimiter: lets the first messages of a kind through, then one once in a while with the number left out.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/mutex.h"

namespace butterfuse {

// Whoever reads a damaged image meets the same damage again and again, as often as he likes: the log must not
// fill a disk with it. Messages are of one kind when they differ in words that have digits only, such as
// numbers and checksums. Of each kind ten come through, then one in ten seconds; of all kinds together two
// hundred, then one a second, since the names in messages may be anybody's. Thread-safe.
class LogLimiter {
 public:
  using Clock = std::chrono::steady_clock;

  // How many of this kind were left out since the last that came through; nothing: this one is left out, too.
  std::optional<uint64_t> admit(std::string_view message, Clock::time_point now);
  // Calls visit(count, the last message that came through) for each kind of which some were left out, and
  // forgets that they were.
  void tell_left_out(const std::function<void(uint64_t, std::string_view)>& visit);

 private:
  // Tokens that come back with time.
  struct Bucket {
    double tokens = 0;
    Clock::time_point filled{};
    bool take(Clock::time_point now, double most, double per_second);
  };
  struct Kind {
    uint64_t hash = 0;  // 0: free
    Bucket bucket;
    uint64_t left_out = 0;
    Clock::time_point used{};
    std::string sample;
  };
  Kind& kind_of(uint64_t hash, Clock::time_point now) BF_REQUIRES(mutex_);

  Mutex mutex_;
  // Beyond 64 the one unused for longest is forgotten, with what it left out: memory has a bound, and looking
  // through all of them is quick.
  std::array<Kind, 64> kinds_ BF_GUARDED_BY(mutex_);
  Bucket all_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
