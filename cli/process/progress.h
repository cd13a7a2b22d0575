// SPDX-License-Identifier: GPL-2.0-or-later
// Progress: one line on a terminal with what is being done, how far it is and how long it will take.
#pragma once

#include <chrono>
#include <string>

namespace butterfuse {

// Not thread-safe. Redraws at most ten times a second.
class ProgressLine {
 public:
  // `shown` false: says nothing.
  ProgressLine(std::string title, bool shown) : title_(std::move(title)), shown_(shown) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  void show(const std::string& phase, double part);  // 0..1; 0: unknown
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  const std::string title_;
  const bool shown_;
  std::string phase_;
  Clock::time_point phase_begin_, drawn_;
  bool visible_ = false;
};

}  // namespace butterfuse
