// SPDX-License-Identifier: GPL-2.0-or-later
// Progress: drawing, and the guess at the time left.
#include "cli/process/progress.h"

#include <fmt/format.h>

#include "cli/process/standard_streams.h"
#include "core/base/shown_name.h"

namespace butterfuse {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};  // often enough for an eye; a terminal takes its time
constexpr const char* kEraseLine = "\r\033[K";
constexpr double kEtaFromSeconds = 2;  // a guess from less is worth nothing

std::string time_left(double seconds) {
  const auto whole = static_cast<uint64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

void ProgressLine::show(const std::string& phase, double part) {
  if (!shown_) return;
  const auto now = Clock::now();
  const bool is_new = phase != phase_;
  if (is_new) phase_ = phase, phase_begin_ = now;
  if (!is_new && now - drawn_ < kRedraw) return;
  drawn_ = now;
  std::string line = fmt::format("[{}] {}", title_, phase);
  if (part > 0) {
    line += fmt::format(": {:.0f} %", part * 100);
    const double passed = std::chrono::duration<double>(now - phase_begin_).count();
    if (passed > kEtaFromSeconds && part < 1)
      line += fmt::format(", {} left", time_left(passed * (1 - part) / part));
  } else {
    line += " ...";
  }
  StandardStreams::write_raw_complaint(kEraseLine + shown_text(line));
  visible_ = true;
}

void ProgressLine::clear() {
  if (visible_) StandardStreams::write_raw_complaint(kEraseLine);
  visible_ = false;
}

}  // namespace butterfuse
