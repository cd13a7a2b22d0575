// SPDX-License-Identifier: GPL-2.0-or-later
// History: what a value was since it was last promised to be durable, each with the time it was made.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

namespace butterfuse::seams {

// Orders what the threads do: an fsync covers the calls that ended at a time below that at which it began.
class Clock {
 public:
  uint64_t tick() { return ++now_; }

 private:
  std::atomic<uint64_t> now_{0};
};

constexpr uint64_t kUnended = UINT64_MAX;

// One writer; who reads while it writes needs a lock of his own.
template <class T>
class History {
 public:
  struct Step {
    T value;
    uint64_t ended = kUnended;  // when its call had returned
  };

  explicit History(T durable) : steps_{{std::move(durable), 0}} {}

  void begin(T value) { steps_.push_back({std::move(value), kUnended}); }
  void end(uint64_t time) { steps_.back().ended = time; }
  void set(T value, uint64_t time) { steps_.push_back({std::move(value), time}); }
  const T& now() const { return steps_.back().value; }
  // What had ended before that time is durable: a crash can't bring back what was before the last of it.
  void promise(uint64_t time) {
    size_t floor = 0;
    for (size_t i = 1; i < steps_.size(); ++i)
      if (steps_[i].ended < time) floor = i;
    forget(floor);
  }
  // The step with that place becomes the first.
  void forget(size_t count) {
    steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(count));
    forgotten_ += count;
  }
  // Of the steps before that place those go for which it is so; the others stay possible.
  template <class Predicate>
  void drop(size_t place, Predicate&& goes) {
    const auto end = steps_.begin() + static_cast<std::ptrdiff_t>(place);
    const auto kept = std::remove_if(steps_.begin(), end, [&](const Step& step) { return goes(step.value); });
    forgotten_ += static_cast<uint64_t>(end - kept);
    steps_.erase(kept, end);
  }
  // A crash left this; it is durable.
  void adopt(T value) {
    forgotten_ += steps_.size();
    steps_ = {{std::move(value), 0}};
  }
  // First the durable one, then all that came since.
  const std::vector<Step>& steps() const { return steps_; }
  // A number for a step that it keeps when those before it are forgotten.
  uint64_t number_of(size_t place) const { return forgotten_ + place; }
  uint64_t last_number() const { return number_of(steps_.size() - 1); }

 private:
  std::vector<Step> steps_;
  uint64_t forgotten_ = 0;
};

}  // namespace butterfuse::seams
