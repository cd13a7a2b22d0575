// UnmountHelper: a process that does nothing but run fusermount3 -u when asked to, since a sandboxed daemon
// can't.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/result.h"

namespace butterfuse {

// Started while programs may still be run. It ends with the daemon, and then leaves the mount as it is.
class UnmountHelper {
 public:
  static Result<UnmountHelper> start(const std::string& mountpoint);
  UnmountHelper(UnmountHelper&& other) noexcept;
  UnmountHelper& operator=(UnmountHelper&& other) noexcept;
  ~UnmountHelper();
  // Takes the mount out of the tree, lazily. Once; false when that failed.
  bool unmount();

 private:
  UnmountHelper(pid_t child, int pipe) : child_(child), pipe_(pipe) {}
  pid_t child_ = -1;
  int pipe_ = -1;
};

}  // namespace butterfuse
