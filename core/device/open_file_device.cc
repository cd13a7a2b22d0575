// SPDX-License-Identifier: GPL-2.0-or-later
// Opening a source: what kind of file it is, how large, and that nobody else has it.
//
//     stat ─> O_EXCL (block device, for writing) ─> open ─> same kind? ─> write-protected? ─> lock ─> size
//
// The claim (O_EXCL) keeps the kernel's mounts out, which know nothing of our lock; the lock keeps those of
// us out that only read, and so have no claim. Either may be held by a predecessor that is about to end: it
// is waited for. The size is asked last, when nobody can change it any more who heeds the lock.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>

#include "core/device/file_device.h"
#include "core/device/source_use.h"
#include "core/device/source_wait.h"

namespace butterfuse {

namespace {

DeviceWindow window_of(const OpenOptions& options) {
  return {.offset = options.lock_offset, .bytes = options.lock_bytes};
}

std::optional<SourceUse> mount_that_has(const std::string& path, const OpenOptions& options) {
  const auto place = place_of(path, window_of(options));
  return place ? find_butterfuse_mount(path, *place) : std::nullopt;
}

int retry(const std::string& path, const OpenOptions& options, std::function<int()> run) {
  auto is_for_good = [&] {
    const auto mount = mount_that_has(path, options);
    return mount && !mount->may_end_soon;
  };
  return retry_while_busy(path, options.lock_wait_ms, {.run = std::move(run), .is_for_good = is_for_good});
}

// 0 or an errno; EBUSY when somebody else holds a conflicting lock.
int lock_file(int fd, bool shared, const OpenOptions& options) {
  struct flock lock {};
  lock.l_type = shared ? F_RDLCK : F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(options.lock_offset);
  lock.l_len = static_cast<off_t>(options.lock_bytes);
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return 0;
  return errno == EAGAIN || errno == EACCES ? EBUSY : errno;
}

tl::unexpected<Error> open_error(int code, const std::string& path, const OpenOptions& options) {
  if (code == EBUSY) {
    if (const auto mount = mount_that_has(path, options)) return in_use_by_mount(path, *mount);
    if (const auto use = find_source_use(path, window_of(options)))
      return make_error(EBUSY, "{} {}", path, use->text);
    const auto place = place_of(path, window_of(options));
    const std::string opener = place ? find_opener(*place) : "";
    return make_error(EBUSY, "{}: in use by {}", path, opener.empty() ? "another process" : opener);
  }
  if (code == EINTR) return make_error(EINTR, "{}: interrupted while waiting for another process", path);
  return make_error(code, "{}: cannot open: {}", path, std::strerror(code));
}

// A device set read-only can be opened for writing all the same; only its writes fail.
Status check_device_writable(const std::string& path, int fd) {
  int is_read_only = 0;
  if (::ioctl(fd, BLKROGET, &is_read_only) != 0 || is_read_only == 0) return {};
  return make_error(EROFS, "{}: the device is write-protected", path);
}

Result<uint64_t> source_size(const std::string& path, int fd, const struct stat& info) {
  if (!S_ISBLK(info.st_mode)) return static_cast<uint64_t>(info.st_size);
  uint64_t bytes = 0;
  if (::ioctl(fd, BLKGETSIZE64, &bytes) != 0)
    return make_error(errno, "{}: cannot read the size: {}", path, std::strerror(errno));
  return bytes;
}

}  // namespace

Result<std::unique_ptr<BlockDevice>> open_file_device(const std::string& path, const OpenOptions& options) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return open_error(errno, path, options);
  const bool is_block = S_ISBLK(info.st_mode);
  if (!is_block && !S_ISREG(info.st_mode))
    return make_error(ENOTBLK, "{}: neither a block device nor an image file", path);

  const bool read_only = options.mode == OpenMode::read_only;
  int claim = -1, code = 0;
  if (is_block && !read_only && options.lock) {
    OpenOptions claiming = options;  // a claim is one of all
    claiming.lock_offset = claiming.lock_bytes = 0;
    code = retry(path, claiming, [&] {
      claim = ::open(path.c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
      return claim >= 0 ? 0 : errno;
    });
    if (code != 0) return open_error(code, path, claiming);
  }
  const int fd = ::open(path.c_str(), O_CLOEXEC | (read_only ? O_RDONLY : O_RDWR));
  if (fd < 0) {
    code = errno;
    if (claim >= 0) ::close(claim);
    return open_error(code, path, options);
  }
  std::unique_ptr<FileDevice> device(new FileDevice(path, fd, read_only));
  if (claim >= 0) BF_TRY(device->take_claim(claim));

  // Between stat and open the name may have come to mean another file.
  if (::fstat(fd, &info) != 0) return open_error(errno, path, options);
  if (S_ISBLK(info.st_mode) != is_block || (!is_block && !S_ISREG(info.st_mode)))
    return make_error(ENOTBLK, "{}: was replaced while it was opened", path);
  if (is_block && !read_only) BF_TRY(check_device_writable(path, fd));
  // Of a block device as well: who only reads has no claim on it. (The locks of udev are flock(2)'s, which
  // these don't see.)
  if (options.lock) {
    code = retry(path, options, [&] { return lock_file(fd, read_only, options); });
    if (code != 0) return open_error(code, path, options);
  }
  device->is_block_device_ = is_block;
  BF_ASSIGN(device->size_bytes_, source_size(path, fd, info));
  return std::unique_ptr<BlockDevice>(std::move(device));
}

}  // namespace butterfuse
