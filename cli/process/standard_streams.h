// SPDX-License-Identifier: GPL-2.0-or-later
// StandardStreams: who owns descriptors 0 to 2, and what becomes of text that can't be written to them.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace butterfuse {

// Everything this program prints goes through print() and complain(), so that none of it is lost unseen.
class StandardStreams {
 public:
  // Call it before anything is opened. Of descriptors 0 to 2 those that the caller left closed are opened on
  // /dev/null, the wrong way round: no image, log or pipe ever gets one of these numbers, and reading or
  // writing them fails as if they were closed.
  static void secure();

  // A reader that went away is then an error of print() instead of the end of the process. For programs that
  // change something: what they are at is finished first.
  static void outlive_readers();

  // To standard output. What can't be written is remembered: see write_error().
  static void write(std::string_view text);
  // One line to standard error, its control characters escaped. Where that fails nobody can be told.
  static void write_complaint(std::string_view line);
  // To standard error as it is.
  static void write_raw_complaint(std::string_view text);

  // Something could not be written, as far as it was tried.
  static bool has_failed();
  // Writes out what is buffered. The errno of the first write to standard output that failed, 0 if none did.
  static int write_error();
  // Says on standard error, after `program`, that something could not be written. False when all was.
  static bool complain_of_write_error(std::string_view program);
};

template <class... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  StandardStreams::write(fmt::format(format, std::forward<Args>(args)...));
}

// One line, given without its end.
template <class... Args>
void complain(fmt::format_string<Args...> format, Args&&... args) {
  StandardStreams::write_complaint(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace butterfuse
