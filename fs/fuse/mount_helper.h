// MountHelper: the process that keeps the right to mount and unmount, so that the daemon need not.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/result.h"
#include "fs/fuse/order_socket.h"

namespace butterfuse {

enum class SymbolicLinks { followed, not_followed };  // in the mount: see forbid_symlinks

// A child that takes three orders over a socket and knows nothing else: mount at this place, unmount it, claim a
// block device. It is started while the daemon has one thread and all its rights; the daemon then gives up its own,
// and reads the image. It ends with the daemon, and leaves the mount as it is; where the daemon was killed it ends
// the connection, without which a thread that waits for pages in the kernel could keep the dead daemon, and with it
// all users of the mount, waiting for ever. Not thread-safe.
class MountHelper {
 public:
  // `mountpoint`: absolute. The helper has the daemon's user and nothing of what it has open.
  static Result<MountHelper> start(const std::string& mountpoint);
  MountHelper(MountHelper&& other) noexcept;
  ~MountHelper();

  // Mounts with these options of libfuse; the descriptor of the connection, which the caller closes. EIO with
  // libfuse's or fusermount3's words. May be tried again with others.
  Result<int> mount(const std::string& options, SymbolicLinks links = SymbolicLinks::followed) const;
  // OwnMount::detach of that mount, with its errors. Nothing when none was made, or it is gone already.
  Status detach() const;
  // A descriptor of the block device, for reading, open with O_EXCL. EBUSY and others of open(2).
  Result<int> claim(const std::string& device) const;

 private:
  MountHelper(pid_t child, OrderSocket socket) : child_(child), socket_(std::move(socket)) {}
  Result<int> ask(const std::string& order) const;
  pid_t child_;
  OrderSocket socket_;
};

}  // namespace butterfuse
