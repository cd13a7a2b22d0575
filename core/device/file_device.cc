// SPDX-License-Identifier: GPL-2.0-or-later
// FileDevice: an image file or a block device of the host as BlockDevice.
//
// Where errors come from that nobody would see otherwise:
// - a short read or write is gone on with, and is an error only where it makes no progress;
// - a flush that failed is remembered: the kernel reports lost writes once, and would call the next
//   flush good;
// - an image that was made shorter is seen by its size, before each write and behind each flush: a write that
//   went out in between has the flush to tell it.
#include "core/device/file_device.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/courtesy.h"
#include "core/base/log.h"

namespace butterfuse {

namespace {

// Of one call of a gathered write, which is cut between pieces: the kernel copies what it gets in one go, and
// who waits for this processor waits as long.
constexpr size_t kMaxCallBytes = 128u << 10;

tl::unexpected<Error> system_error(int code, const char* what, const std::string& path, uint64_t offset,
                                   uint64_t size) {
  return make_error(code, "{}: {} of {} bytes at {} failed: {}", path, what, size, offset,
                    std::strerror(code));
}

// Drops the first `done` bytes of the list.
void advance(std::vector<iovec>& list, size_t& first, size_t done) {
  while (first < list.size() && done >= list[first].iov_len) done -= list[first++].iov_len;
  if (done == 0) return;
  list[first].iov_base = static_cast<std::byte*>(list[first].iov_base) + done;
  list[first].iov_len -= done;
}

}  // namespace

FileDevice::~FileDevice() {
  give_up_claim();
  ::close(fd_);
}

Status FileDevice::check_range(const char* what, uint64_t offset, uint64_t length) const {
  if (offset <= size_bytes_ && length <= size_bytes_ - offset) return {};
  return make_error(EIO, "{}: {} of {} bytes at {} is beyond the end of the device at {}", path_, what,
                    length, offset, size_bytes_);
}

Status FileDevice::read(uint64_t offset, MutableByteSpan into) {
  BF_TRY(check_range("read", offset, into.size()));
  for (size_t done = 0; done < into.size();) {
    ssize_t got = ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "read", path_, offset + done, into.size() - done);
    if (got == 0) {
      shortened_ = !is_block_device_;
      return make_error(EIO, "{}: it ends at {}, it had {} bytes when it was opened", path_, offset + done,
                        size_bytes_);
    }
    done += static_cast<size_t>(got);
  }
  return {};
}

Status FileDevice::check_writable(uint64_t offset, uint64_t length) {
  if (read_only_)
    return make_error(EROFS, "{}: write of {} bytes at {}: opened read-only", path_, length, offset);
  BF_TRY(check_range("write", offset, length));
  return check_whole();
}

Status FileDevice::check_whole() {
  if (is_block_device_) return {};
  struct stat info;
  if (!shortened_ && ::fstat(fd_, &info) == 0) {
    shortened_ = static_cast<uint64_t>(info.st_size) < size_bytes_;
    if (info.st_nlink == 0 && !deletion_told_.exchange(true))
      log_event(LogLevel::warning,
                "{}: the image was deleted or replaced: all that is written is lost with the unmount", path_);
  }
  if (!shortened_) return {};
  return make_error(
      EIO, "{}: the image was made shorter than its {} bytes while it was in use; it is written no more",
      path_, size_bytes_);
}

Status FileDevice::write(uint64_t offset, ByteSpan from, WriteKind) {
  BF_TRY(check_writable(offset, from.size()));
  for (size_t done = 0; done < from.size();) {
    ssize_t put = ::pwrite(fd_, from.data() + done, from.size() - done, static_cast<off_t>(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error(errno, "write", path_, offset + done, from.size() - done);
    if (put == 0) return make_error(EIO, "{}: write at {} made no progress", path_, offset + done);
    done += static_cast<size_t>(put);
  }
  return {};
}

Status FileDevice::write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind) {
  uint64_t total = 0;
  // Pieces of one extent, mostly pages: gathered, they go out without being copied together first.
  std::vector<iovec> list;
  list.reserve(pieces.size());
  for (ByteSpan piece : pieces) {
    if (piece.empty()) continue;
    list.push_back({const_cast<std::byte*>(piece.data()), piece.size()});
    total += piece.size();
  }
  BF_TRY(check_writable(offset, total));
  for (size_t first = 0; first < list.size();) {
    int count = 1;
    for (size_t bytes = list[first].iov_len; first + count < list.size() && count < IOV_MAX; ++count) {
      bytes += list[first + count].iov_len;
      if (bytes > kMaxCallBytes) break;
    }
    ssize_t put = ::pwritev(fd_, list.data() + first, count, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error(errno, "write", path_, offset, total);
    if (put == 0) return make_error(EIO, "{}: write at {} made no progress", path_, offset);
    offset += static_cast<uint64_t>(put);
    advance(list, first, static_cast<size_t>(put));
    // A long write on a machine of few processors must not keep the requests of others waiting.
    if (first < list.size()) let_others_run();
  }
  return {};
}

void FileDevice::start_writeback(uint64_t offset, uint64_t length) {
  if (read_only_ || length == 0) return;
  (void)::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE);
}

void FileDevice::give_up_claim() {
  if (claim_fd_ >= 0) ::close(std::exchange(claim_fd_, -1));
}

Status FileDevice::take_claim(int descriptor) {
  give_up_claim();
  claim_fd_ = descriptor;
  struct stat ours {};
  struct stat claimed {};
  const bool is_same = ::fstat(fd_, &ours) == 0 && ::fstat(claim_fd_, &claimed) == 0 &&
                       S_ISBLK(claimed.st_mode) && claimed.st_rdev == ours.st_rdev;
  return is_same ? Status{} : make_error(ENODEV, "{}: by now another device has this name", path_);
}

Status FileDevice::flush() {
  if (read_only_) return {};
  if (int code = flush_error_)
    return make_error(code, "{}: an earlier flush failed, writes were lost", path_);
  int result;
  do {
    result = ::fdatasync(fd_);
    // fdatasync, and not fsync: the size of the file never changes, and its times are nobody's concern.
  } while (result < 0 && errno == EINTR);
  if (result == 0) return check_whole();
  flush_error_ = errno;
  return make_error(flush_error_, "{}: flush failed: {}", path_, std::strerror(flush_error_));
}

void FileDevice::discard(uint64_t offset, uint64_t length) {
  if (read_only_ || length == 0 || !check_range("discard", offset, length) || !check_whole()) return;
  if (is_block_device_) {
    uint64_t range[2] = {offset, length};
    (void)::ioctl(fd_, BLKDISCARD, range);
  } else {
    (void)::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                      static_cast<off_t>(length));
  }
}

}  // namespace butterfuse
