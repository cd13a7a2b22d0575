// SPDX-License-Identifier: GPL-2.0-or-later
// ExitCodes: the line for people.
#include "cli/process/exit_codes.h"

#include <fmt/format.h>

namespace butterfuse {

std::string exit_status_line(const ExitCodes& codes) {
  std::string line = "Exit status";
  if (!codes.model.empty()) line += fmt::format(", as {}", codes.model);
  if (codes.bits) line += ", where several add up";
  std::string_view before = ": ";
  for (const ExitStatus& status : codes.statuses) {
    line += fmt::format("{}{} {}", before, status.code, status.meaning);
    before = ", ";
  }
  return line + ".";
}

}  // namespace butterfuse
