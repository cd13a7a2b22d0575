// SPDX-License-Identifier: GPL-2.0-or-later
// Inherited descriptors: close_range(2) around those that are kept.
#include "cli/process/inherited.h"

#include <unistd.h>

#include <charconv>
#include <climits>
#include <set>
#include <string_view>

namespace butterfuse {
namespace {

constexpr unsigned kFirst = 3;

// N of each "/fd/N" in it: /dev/fd/N, /proc/self/fd/N, also inside of an option.
void add_named(std::string_view argument, std::set<unsigned>& named) {
  constexpr std::string_view kFolder = "/fd/";
  for (size_t at = argument.find(kFolder); at != argument.npos; at = argument.find(kFolder, at)) {
    at += kFolder.size();
    unsigned number = 0;
    if (std::from_chars(argument.data() + at, argument.data() + argument.size(), number).ec == std::errc() &&
        number <= INT_MAX)
      named.insert(number);
  }
}

}  // namespace

void close_inherited(std::span<char* const> arguments) {
  std::set<unsigned> named;
  for (const char* const argument : arguments) add_named(argument, named);
  unsigned next = kFirst;
  for (const unsigned kept : named) {
    if (kept < next) continue;
    if (kept > next) (void)::close_range(next, kept - 1, 0);
    next = kept + 1;
  }
  // Errors are passed over: a kernel without it (before Linux 5.9) leaves all open, as it always was.
  (void)::close_range(next, UINT_MAX, 0);
}

}  // namespace butterfuse
