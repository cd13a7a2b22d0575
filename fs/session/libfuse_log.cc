// SPDX-License-Identifier: GPL-2.0-or-later
// LibfuseLog: functions for fuse_set_log_func.
#include "fs/session/libfuse_log.h"

#include <cstdarg>
#include <cstdio>

#include "core/base/log.h"
#include "fs/fuse/ops.h"

namespace butterfuse {
namespace {

std::string& complaint() {
  static std::string text;
  return text;
}

std::string line_of(const char* format, va_list arguments) {
  char buffer[1024];
  vsnprintf(buffer, sizeof buffer, format, arguments);
  std::string text = buffer;
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

void keep(fuse_log_level, const char* format, va_list arguments) { complaint() = line_of(format, arguments); }

void pass_on(fuse_log_level level, const char* format, va_list arguments) {
  log(level <= FUSE_LOG_WARNING ? LogLevel::warning : LogLevel::debug, "{}", line_of(format, arguments));
}

}  // namespace

void keep_complaints_of_libfuse() {
  complaint().clear();
  fuse_set_log_func(keep);
}

const std::string& last_complaint_of_libfuse() { return complaint(); }

void log_libfuse() { fuse_set_log_func(pass_on); }

}  // namespace butterfuse
