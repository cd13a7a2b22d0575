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
void log_message(LogLevel level, std::string_view message);

// A message that there is no memory for is lost.
template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  try {
    log_message(level, fmt::format(format, std::forward<Args>(args)...));
  } catch (const std::bad_alloc&) {
    // What is to be done is more important than what is to be said.
  }
}

}  // namespace butterfuse
