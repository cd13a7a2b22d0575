// OwnMount: found in the mount table by device number, unmounted through a descriptor.
#include "fs/fuse/own_mount.h"

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

// A file of fusectl, which the one who mounted may write to.
class AbortOrder {
 public:
  explicit AbortOrder(uint64_t connection)
      : file_(::open(("/sys/fs/fuse/connections/" + std::to_string(connection) + "/abort").c_str(),
                     O_WRONLY | O_CLOEXEC)) {}
  ~AbortOrder() {
    if (file_ >= 0) ::close(file_);
  }
  AbortOrder(const AbortOrder&) = delete;
  AbortOrder& operator=(const AbortOrder&) = delete;
  bool can_be_given() const { return file_ >= 0; }
  void give() const { (void)!::write(file_, "1", 1); }

 private:
  const int file_;
};

OwnMount::OwnMount(std::string path) : path_(std::move(path)) {
  const auto table = read_mount_table();
  const MountEntry* const entry = find_mount_at(table, path_);
  if (entry == nullptr) return;
  device_ = entry->device;
  id_ = entry->id;
  auto order = std::make_shared<const AbortOrder>(entry->fuse_connection());
  if (order->can_be_given()) abort_order_ = std::move(order);
}

void OwnMount::abort_connection() const {
  if (!device_) return;
  if (abort_order_) return abort_order_->give();
  const auto table = read_mount_table();
  for (const MountEntry& own : table) {
    if (own.device != *device_ || own.id != id_) continue;
    const int directory = open_mount(own.mount_point);
    if (directory >= 0 && device_of(directory) == *device_)
      (void)::umount2(place_of(directory).c_str(), MNT_FORCE);  // busy or not, the connection ends
    if (directory >= 0) ::close(directory);
  }
}

Status OwnMount::detach() const {
  if (!device_) return {};
  const auto table = read_mount_table();
  Status done;
  for (const MountEntry& own : table | std::views::reverse) {
    if (own.device != *device_ || (::geteuid() != 0 && own.mount_point != path_)) continue;
    const auto other = std::ranges::find_if(
        table, [&](const MountEntry& one) { return one.parent == own.id && one.device != *device_; });
    if (other != table.end()) {
      done = make_error(EBUSY, "can't unmount {}: {} ({}) is mounted at {}", own.mount_point, other->source,
                        other->type, other->mount_point);
    } else if (const int code = detach_exactly(own.mount_point, *device_); code != 0) {
      done = make_error(code, "can't unmount {}: {}", own.mount_point, std::strerror(code));
    }
  }
  return done;
}

}  // namespace butterfuse
