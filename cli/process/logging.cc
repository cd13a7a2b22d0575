// SPDX-License-Identifier: GPL-2.0-or-later
// Logging: the engine's messages through spdlog to stderr or syslog.
#include "cli/process/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include <atomic>

#include "core/base/log.h"
#include "core/base/shown_name.h"

namespace butterfuse {
namespace {

std::atomic<LogTarget> current_target{LogTarget::terminal};

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

// Both loggers are made at once, and the system log is connected (LOG_NDELAY): in the sandbox no socket can
// be had any more.
void start_logging(LogTarget target, bool verbose) {
  auto terminal = spdlog::stderr_color_mt("butterfuse");
  auto system = spdlog::syslog_logger_mt("syslog", "butterfuse", LOG_PID | LOG_NDELAY, LOG_DAEMON);
  terminal->set_pattern("butterfuse: %^%l%$: %v");
  system->set_pattern("%v");
  for (auto& logger : {terminal, system})
    logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  move_log(target);
  set_log_sink([terminal, system](LogLevel level, std::string_view message) {
    auto& logger = current_target == LogTarget::terminal ? terminal : system;
    const std::string shown = shown_text(message);  // one line, whatever names are in it
    logger->log(level_of(level), spdlog::string_view_t(shown.data(), shown.size()));
  });
}

void move_log(LogTarget target) { current_target = target; }

}  // namespace butterfuse
