// SPDX-License-Identifier: GPL-2.0-or-later
// MountNamespace: two names mean the same one when they mean the same file.
#include "cli/mounts/mount_namespace.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace butterfuse {

Status check_own_mount_namespace(const std::string& name) {
  if (name.empty()) return {};
  const bool is_process = name.find_first_not_of("0123456789") == std::string::npos;
  const std::string path = is_process ? "/proc/" + name + "/ns/mnt" : name;
  struct stat named {
  }, own{};
  if (::stat(path.c_str(), &named) != 0)
    return make_error(errno, "-N {}: no namespace: {}", name, std::strerror(errno));
  if (::stat("/proc/self/ns/mnt", &own) != 0)
    return make_error(errno, "-N {}: /proc/self/ns/mnt: {}", name, std::strerror(errno));
  if (named.st_dev == own.st_dev && named.st_ino == own.st_ino) return {};
  return make_error(ENOTSUP,
                    "-N {}: is another mount namespace: nsenter --mount={} butterfuse ... works in it", name,
                    path);
}

}  // namespace butterfuse
