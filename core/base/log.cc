// The one log sink of the process.
#include "core/base/log.h"

namespace butterfuse {

namespace {
std::function<void(LogLevel, std::string_view)>& sink() {
  static std::function<void(LogLevel, std::string_view)> instance;
  return instance;
}
}  // namespace

void set_log_sink(std::function<void(LogLevel, std::string_view)> replacement) {
  sink() = std::move(replacement);
}

void log_message(LogLevel level, std::string_view message) {
  if (sink()) sink()(level, message);
}

}  // namespace butterfuse
