// SPDX-License-Identifier: GPL-2.0-or-later
// The one log sink of the process, behind its limiter.
#include "core/base/log.h"

#include "core/base/log_limiter.h"

namespace butterfuse {

namespace {

std::function<void(LogLevel, std::string_view)>& sink() {
  static std::function<void(LogLevel, std::string_view)> instance;
  return instance;
}

LogLimiter& limiter() {
  static LogLimiter instance;
  return instance;
}

}  // namespace

void set_log_sink(std::function<void(LogLevel, std::string_view)> replacement) {
  sink() = std::move(replacement);
}

void log_event_message(LogLevel level, std::string_view message) {
  if (sink()) sink()(level, message);
}

void log_message(LogLevel level, std::string_view message) {
  if (!sink()) return;
  if (level == LogLevel::debug) return sink()(level, message);
  const auto left_out = limiter().admit(message, LogLimiter::Clock::now());
  if (!left_out) return;
  if (*left_out == 0) return sink()(level, message);
  sink()(level, fmt::format("{} ({} more like it were not logged)", message, *left_out));
}

void log_left_out() {
  if (!sink()) return;
  limiter().tell_left_out([](uint64_t count, std::string_view sample) {
    sink()(LogLevel::warning, fmt::format("{} more like \"{}\" were not logged", count, sample));
  });
}

}  // namespace butterfuse
