// SPDX-License-Identifier: GPL-2.0-or-later
// nullserver MOUNTPOINT: mounts a file system in memory that does nothing but answer, with butterfuse's
// request loop, and goes to the background. What programs take on it no server of the same requests can go
// below.
#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdio>

#include "core/base/mutex.h"
#include "fs/session/request_loop.h"
#include "tests/nullserver/memory_tree.h"
#include "tests/nullserver/null_ops.h"

using namespace butterfuse;

namespace {

constexpr size_t kThreadsMax = 96;

// As fs/fuse/features.cc does it: without this the kernel asks for capabilities before each write. Linux has
// known it since 5.12.
ssize_t write_answer(int fd, iovec* parts, int count, void*) {
  static std::atomic<bool> is_first{true};
  if (count >= 2 && parts[1].iov_len > offsetof(fuse_init_out, flags) + sizeof(uint32_t) &&
      is_first.exchange(false))
    static_cast<fuse_init_out*>(parts[1].iov_base)->flags |= FUSE_HANDLE_KILLPRIV_V2;
  return writev(fd, parts, count);
}

ssize_t read_request(int fd, void* buffer, size_t size, void*) { return read(fd, buffer, size); }

int serve(fuse_session* session) {
  Mutex mutex;
  const auto process = [&](const fuse_buf& request) {
    MutexLock lock(mutex);
    fuse_session_process_buf(session, &request);
  };
  RequestLoop loop(session, {.process = process, .cancel = [] {}}, kThreadsMax);
  return loop.run();
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fputs("usage: nullserver MOUNTPOINT\n", stderr);
    return 2;
  }
  char program[] = "nullserver", flag[] = "-o",
       options[] = "default_permissions,allow_other,fsname=nullserver";
  char* arguments[] = {program, flag, options};
  fuse_args args = FUSE_ARGS_INIT(3, arguments);
  const fuse_lowlevel_ops ops = null::null_operations();
  null::MemoryTree tree;
  fuse_session* const session = fuse_session_new(&args, &ops, sizeof(ops), &tree);
  fuse_opt_free_args(&args);
  if (session == nullptr || fuse_session_mount(session, words[1]) != 0) return 1;
  const fuse_custom_io io{
      .writev = write_answer, .read = read_request, .splice_receive = nullptr, .splice_send = nullptr};
  if (fuse_session_custom_io(session, &io, fuse_session_fd(session)) != 0 || daemon(0, 0) != 0) return 1;
  const int result = serve(session);
  fuse_session_unmount(session);
  fuse_session_destroy(session);
  return result == 0 ? 0 : 1;
}
