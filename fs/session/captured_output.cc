// SPDX-License-Identifier: GPL-2.0-or-later
// CapturedOutput: descriptors changed places.
#include "fs/session/captured_output.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace butterfuse {
namespace {

constexpr int kAboveStandard = 3;

}  // namespace

CapturedOutput::CapturedOutput() {
  memory_ = ::memfd_create("output", MFD_CLOEXEC);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int standard = STDIN_FILENO; memory_ >= 0 && null >= 0 && standard < kAboveStandard; ++standard) {
    saved_[standard] = ::fcntl(standard, F_DUPFD_CLOEXEC, kAboveStandard);
    if (saved_[standard] >= 0) ::dup2(standard == STDIN_FILENO ? null : memory_, standard);
  }
  if (null >= 0) ::close(null);
}

std::string CapturedOutput::end() {
  for (int standard = STDIN_FILENO; standard < kAboveStandard; ++standard) {
    const int saved = std::exchange(saved_[standard], -1);
    if (saved < 0) continue;
    ::dup2(saved, standard);
    ::close(saved);
  }
  std::string text;
  if (memory_ < 0) return text;
  char part[512];
  for (ssize_t got = 0; (got = ::pread(memory_, part, sizeof part, static_cast<off_t>(text.size()))) > 0;)
    text.append(part, static_cast<size_t>(got));
  ::close(std::exchange(memory_, -1));
  return text;
}

}  // namespace butterfuse
