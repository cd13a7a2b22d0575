// SPDX-License-Identifier: GPL-2.0-or-later
// OwnMount: found in the mount table by device number, unmounted through a descriptor.
//
// Who is who among mounts. A path says nothing: by now somebody else's mount may lie there, and ours may have
// been moved, or bound to other places. A mount id is given anew as soon as it is free, and so is the number
// of a connection. What is known for certain is what was seen directly behind mount(2): device number, type
// and source. All three together are ours (is_ours), wherever they are now.
//
// To unmount, the directory is opened first, its device compared, and what the descriptor leads to is
// detached: between looking and acting nothing can take its place. fusermount3 knows paths only, so an
// ordinary user's unmount is a moment less certain.
#include "fs/session/own_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ranges>

#include "core/base/mount_table.h"

namespace butterfuse {
namespace {

// Of an open directory, without a question to its file system: that may be somebody's dead one.
std::optional<dev_t> device_of(int directory) {
  struct statx info {};
  if (::statx(directory, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &info) != 0) return std::nullopt;
  return makedev(info.stx_dev_major, info.stx_dev_minor);
}

bool run_fusermount(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execlp("fusermount3", "fusermount3", "-u", "-z", "-q", "--", path.c_str(), nullptr);
    ::_exit(127);
  }
  int status = -1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

int open_mount(const std::string& path) {
  return ::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

std::string place_of(int directory) { return "/proc/self/fd/" + std::to_string(directory); }

// The path is opened first and unmounted through the descriptor: whatever is mounted there meanwhile, what
// was looked at is what goes. 0 or an errno.
int detach_exactly(const std::string& path, dev_t device) {
  const int directory = open_mount(path);
  if (directory < 0) return errno;
  int code = 0;
  if (device_of(directory) != device) {
    code = EBUSY;  // something has come to lie on it
  } else if (::geteuid() == 0) {
    if (::umount2(place_of(directory).c_str(), MNT_DETACH) != 0) code = errno;
  } else if (!run_fusermount(path)) {
    code = EPERM;
  }
  ::close(directory);
  return code;
}

}  // namespace

namespace {

// Of root: the file system without a place in the tree, which nobody needs to have mounted.
int open_in_fusectl(const std::string& name) {
  const int context = ::fsopen("fusectl", FSOPEN_CLOEXEC);
  if (context < 0) return -1;
  int tree = -1, file = -1;
  if (::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0)
    tree = ::fsmount(context, FSMOUNT_CLOEXEC, 0);
  if (tree >= 0) file = ::openat(tree, name.c_str(), O_WRONLY | O_CLOEXEC);
  if (tree >= 0) ::close(tree);
  ::close(context);
  return file;
}

int open_abort_file(uint64_t connection) {
  const std::string name = std::to_string(connection) + "/abort";
  const int file = open_in_fusectl(name);
  return file >= 0 ? file : ::open(("/sys/fs/fuse/connections/" + name).c_str(), O_WRONLY | O_CLOEXEC);
}

}  // namespace

// A file of fusectl, which the one who mounted may write to. It stands for this connection,
// whoever gets its number later.
class AbortOrder {
 public:
  explicit AbortOrder(uint64_t connection) : file_(open_abort_file(connection)) {}
  ~AbortOrder() {
    if (file_ >= 0) ::close(file_);
  }
  AbortOrder(const AbortOrder&) = delete;
  AbortOrder& operator=(const AbortOrder&) = delete;
  void give() const {
    if (file_ >= 0) (void)!::write(file_, "1", 1);
  }

 private:
  const int file_;
};

OwnMount::OwnMount(std::string path) : path_(std::move(path)) {
  const auto table = read_mount_table();
  const MountEntry* const entry = find_mount_at(table, path_);
  if (entry == nullptr) return;
  made_ = *entry;
  abort_order_ = std::make_shared<const AbortOrder>(entry->fuse_connection());
}

void OwnMount::abort_connection() const {
  if (abort_order_) abort_order_->give();
}

// A number is free for others as soon as the connection has ended. Of the same source there is no other mount
// before ours has let go of it.
bool OwnMount::is_ours(const MountEntry& entry) const { return entry.is_same_filesystem(*made_); }

Status OwnMount::detach() const {
  if (!made_) return {};
  const auto table = read_mount_table();
  Status done;
  for (const MountEntry& own : table | std::views::reverse) {
    if (!is_ours(own) || (::geteuid() != 0 && own.mount_point != path_)) continue;
    const auto other = std::ranges::find_if(
        table, [&](const MountEntry& one) { return one.parent == own.id && !is_ours(one); });
    if (other != table.end()) {
      done = make_error(EBUSY, "can't unmount {}: {} ({}) is mounted at {}", own.mount_point, other->source,
                        other->type, other->mount_point);
    } else if (const int code = detach_exactly(own.mount_point, own.device); code != 0) {
      done = make_error(code, "can't unmount {}: {}", own.mount_point, std::strerror(code));
    }
  }
  return done;
}

}  // namespace butterfuse
