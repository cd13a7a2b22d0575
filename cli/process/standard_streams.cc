// SPDX-License-Identifier: GPL-2.0-or-later
// StandardStreams: stdio behind one door.
#include "cli/process/standard_streams.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/base/shown_name.h"

namespace butterfuse {
namespace {

int first_error = 0;  // of writes to standard output

void note(int code) {
  if (first_error == 0) first_error = code != 0 ? code : EIO;
}

}  // namespace

void StandardStreams::secure() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest free number: those below are taken.
    const int wrong_way = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", wrong_way) != descriptor && ::open("/", O_RDONLY | O_DIRECTORY) != descriptor)
      ::abort();
  }
}

// A handler, not SIG_IGN: programs that are started do not inherit it.
void StandardStreams::outlive_readers() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGPIPE, &action, nullptr);
}

void StandardStreams::write(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) note(errno);
}

void StandardStreams::write_complaint(std::string_view line) {
  while (line.ends_with('\n')) line.remove_suffix(1);
  std::string shown = shown_text(line);
  shown += '\n';
  write_raw_complaint(shown);
}

// What was printed comes first where both are one terminal or file.
void StandardStreams::write_raw_complaint(std::string_view text) {
  (void)write_error();
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  (void)std::fflush(stderr);
}

bool StandardStreams::has_failed() { return first_error != 0; }

int StandardStreams::write_error() {
  errno = 0;
  if (std::fflush(stdout) != 0) note(errno);
  return first_error;
}

bool StandardStreams::complain_of_write_error(std::string_view program) {
  int code = write_error();
  // Some file systems tell of a full disk only when a file is closed.
  if (const int copy = code == 0 ? ::dup(STDOUT_FILENO) : -1; copy >= 0 && ::close(copy) != 0)
    note(code = errno);
  if (code != 0) complain("{}: standard output: {}", program, std::strerror(code));
  return code != 0;
}

}  // namespace butterfuse
