// SPDX-License-Identifier: GPL-2.0-or-later
// Limits: see getrlimit(2).
#include "cli/process/limits.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>

namespace butterfuse {
namespace {

void use_hard_limit(__rlimit_resource resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(resource, &limit);
}

}  // namespace

// Images are large, and a mount has a descriptor for each device and some more: a soft limit made for a shell
// would end it half-way. SIGXFSZ ends a process by default; ignored, write(2) says EFBIG.
void use_hard_limits() {
  use_hard_limit(RLIMIT_FSIZE);
  use_hard_limit(RLIMIT_NOFILE);
  ::signal(SIGXFSZ, SIG_IGN);
}

// An image that is longer than the limit would be written in its first part only: its superblock says one
// thing, its end another.
Status check_file_size_limit(const std::string& path) {
  struct stat info {};
  rlimit limit{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || ::getrlimit(RLIMIT_FSIZE, &limit) != 0)
    return {};
  const auto bytes = static_cast<rlim_t>(info.st_size);
  if (limit.rlim_cur == RLIM_INFINITY || bytes <= limit.rlim_cur) return {};
  return make_error(
      EFBIG,
      "{}: it has {} bytes, and this process may write {} bytes of a file: raise the limit (ulimit -f)", path,
      bytes, limit.rlim_cur);
}

}  // namespace butterfuse
