// SPDX-License-Identifier: GPL-2.0-or-later
// MountHelper: the process that keeps the right to mount and unmount, so that the daemon need not.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "core/base/mutex.h"
#include "core/base/result.h"
#include "fs/session/order_socket.h"

namespace butterfuse {

struct MountPlan {
  std::string mountpoint{};  // absolute
  std::string options{};     // libfuse's
  // To try before: as the block device's own file system. Empty: not to be tried.
  std::string options_as_block_device{};
  std::string block_device_name{};  // what the kernel opens then
  // What claim() opens, and nothing else: open here, while the helper starts.
  // A name may mean another device later. -1: none.
  int block_device = -1;
  bool follow_symlinks = true;  // in the mount: see forbid_symlinks
  // When the daemon has died. Not by libfuse, which would leave mounting to fusermount3, with its flags.
  bool auto_unmount = false;
};

struct MadeMount {
  int connection = -1;  // the descriptor of it, for the one who asked to close
  dev_t device = 0;     // st_dev of what is in the mount
};

// A child that takes orders over a socket: to mount as it was planned, to unmount that, to claim the block
// device, and to say whether a process, by its number, is in its own user namespace. It is started while the
// daemon has one thread and all its rights; the daemon then gives up its own, and reads the image: if that
// takes it over, it can order nothing but what was planned, and one mount. The child ends with the daemon,
// and leaves the mount as it is, unless the plan says otherwise; where the daemon was killed it ends the
// connection, without which a thread that waits for pages in the kernel could keep the dead daemon, and with
// it all users of the mount, waiting for ever. Thread-safe, one order at a time.
class MountHelper {
 public:
  // The helper has the daemon's user and nothing of what it has open.
  static Result<MountHelper> start(const MountPlan& plan);
  MountHelper(MountHelper&& other) noexcept;
  ~MountHelper();

  // EIO with libfuse's or fusermount3's words; EALREADY once it has mounted.
  Result<MadeMount> mount() const;
  // The kernel opens the device by name. ENODEV, with nothing mounted, where that means another one.
  Result<MadeMount> mount_as_block_device() const;
  // OwnMount::detach of that mount, with its errors. Nothing when none was made, or it is gone already.
  Status detach() const;
  // A descriptor of the block device, for reading, open with O_EXCL. EBUSY and others of open(2);
  // EBADF where none was planned.
  Result<int> claim() const;
  // Only the one who has the right to trace a process may see its namespaces, and the daemon gave that up.
  // False where the helper can't see it either. An unmount in between is waited for: the caller of a request
  // holds the mount busy, so that one does not wait for its answer.
  bool shares_user_namespace(pid_t process) const;

 private:
  MountHelper(pid_t child, OrderSocket socket) : child_(child), socket_(std::move(socket)) {}
  struct Answer {
    int descriptor;
    std::string words;
  };
  Result<Answer> ask(char order, const std::string& argument = "") const;
  Result<MadeMount> ask_for_mount(char order) const;
  pid_t child_;
  const std::unique_ptr<Mutex> asking_ = std::make_unique<Mutex>();
  OrderSocket socket_;
};

}  // namespace butterfuse
