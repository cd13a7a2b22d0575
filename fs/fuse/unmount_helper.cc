// UnmountHelper: fork, a pipe, exec.
#include "fs/fuse/unmount_helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace butterfuse {
namespace {

// Other threads may have held any lock at the fork: only system calls from here on.
[[noreturn]] void wait_and_unmount(int pipe, const char* mountpoint) {
  setsid();
  prctl(PR_SET_NAME, "bf-unmount");
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  // It must not keep the image locked, the mount's connection open, the folder busy, or the caller's output
  // waiting for its end.
  constexpr int kPipe = 3;
  if (pipe != kPipe && dup2(pipe, kPipe) < 0) _exit(1);
  const int null = open("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (null < 0 || dup2(null, standard) < 0) close(standard);
  syscall(SYS_close_range, kPipe + 1, ~0U, 0);
  if (chdir("/") != 0) _exit(1);
  char order = 0;
  ssize_t got = 0;
  do got = read(kPipe, &order, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1) _exit(0);
  execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--", mountpoint, nullptr);
  _exit(127);
}

}  // namespace

Result<UnmountHelper> UnmountHelper::start(const std::string& mountpoint) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return make_error(errno, "pipe: {}", std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) {
    const int code = errno;
    close(ends[0]), close(ends[1]);
    return make_error(code, "fork: {}", std::strerror(code));
  }
  if (child == 0) {
    close(ends[1]);
    wait_and_unmount(ends[0], mountpoint.c_str());
  }
  close(ends[0]);
  return UnmountHelper(child, ends[1]);
}

UnmountHelper::UnmountHelper(UnmountHelper&& other) noexcept
    : child_(std::exchange(other.child_, -1)), pipe_(std::exchange(other.pipe_, -1)) {}

UnmountHelper& UnmountHelper::operator=(UnmountHelper&& other) noexcept {
  std::swap(child_, other.child_);
  std::swap(pipe_, other.pipe_);
  return *this;
}

bool UnmountHelper::unmount() {
  const char order = 'u';
  if (pipe_ < 0 || write(pipe_, &order, 1) != 1) return false;
  close(std::exchange(pipe_, -1));
  int status = -1;
  waitpid(std::exchange(child_, -1), &status, 0);
  return status == 0;
}

UnmountHelper::~UnmountHelper() {
  if (pipe_ >= 0) close(pipe_);
  if (child_ > 0) waitpid(child_, nullptr, 0);
}

}  // namespace butterfuse
