// SPDX-License-Identifier: GPL-2.0-or-later
// Log: where the rooms report what a person should know; the program decides how to print it.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <new>
#include <string_view>

namespace butterfuse {

enum class LogLevel { debug, info, warning, error };

// Replaces the sink (default: silent). Call before threads start.
void set_log_sink(std::function<void(LogLevel, std::string_view)> sink);
// One that comes again and again is left out, and counted: see LogLimiter. Not those of level debug.
void log_message(LogLevel level, std::string_view message);
// Always written: for what happens once, such as a change of state.
void log_event_message(LogLevel level, std::string_view message);
// Says how many were left out that no later message has told of. For the end of a mount.
void log_left_out();

// A message that there is no memory for is lost.
template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  try {
    log_message(level, fmt::format(format, std::forward<Args>(args)...));
  } catch (const std::bad_alloc&) {
    // What is to be done is more important than what is to be said.
  }
}

template <class... Args>
void log_event(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  try {
    log_event_message(level, fmt::format(format, std::forward<Args>(args)...));
  } catch (const std::bad_alloc&) {
    // As above.
  }
}

}  // namespace butterfuse
