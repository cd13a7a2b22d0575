// Log: where the rooms report what a person should know; the program decides how to print it.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string_view>

namespace butterfuse {

enum class LogLevel { debug, info, warning, error };

// Replaces the sink (default: silent). Call before threads start.
void set_log_sink(std::function<void(LogLevel, std::string_view)> sink);
void log_message(LogLevel level, std::string_view message);

template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  log_message(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace butterfuse
