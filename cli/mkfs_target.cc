// SPDX-License-Identifier: GPL-2.0-or-later
// MkfsTargets: looking, then making room.
//
// All targets are looked at before one is changed, and each in this order: what it is, whether this process
// may write it to its end, whether somebody has it mounted or open, what is on it (not with -f), and whether
// its lock can be had. The last one waits for a daemon that is just ending; it comes last, so that a refusal
// for another reason comes at once.
#include "cli/mkfs_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/mounts/dead_mount.h"
#include "cli/process/limits.h"
#include "core/device/block_device.h"
#include "core/device/foreign_content.h"
#include "core/device/partition_table.h"
#include "core/device/source_use.h"
#include "core/mkfs/signature.h"

namespace butterfuse {
namespace {

Result<DeviceWindow> partition_window(const std::string& path, const DeviceWindow& window) {
  if (window.partition == 0) return window;
  BF_ASSIGN(const Partition partition, find_partition(path, window.partition));
  return DeviceWindow{.offset = partition.offset, .bytes = partition.bytes};
}

// Another butterfuse has it: before it is grown, that must end.
Status check_unlocked(const std::string& path, const MkfsTargetOptions& options) {
  const OpenOptions how{.lock_wait_ms = options.lock_wait_ms};
  BF_ASSIGN(const auto device, open_window(path, how, options.window));
  return {};
}

// By the names that mount has for it, and what only libblkid knows.
Result<std::optional<std::string>> content_of(const std::string& path, const DeviceWindow& window,
                                              const DeviceWindow& place) {
  constexpr OpenOptions kNoLock{.mode = OpenMode::read_only, .lock_wait_ms = 0, .lock = false};
  BF_ASSIGN(const auto device, open_window(path, kNoLock, window));
  if (const auto foreign = foreign_content(*device)) return std::optional(foreign->name);
  BF_ASSIGN(const auto signature, existing_signature(path, place.offset, place.bytes));
  return signature ? std::optional("a " + *signature) : std::nullopt;
}

Status look_at(const std::string& path, const MkfsTargetOptions& options) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return make_error(errno, "{}: {}", path, std::strerror(errno));
    if (options.byte_count != 0 && options.window.whole()) return {};
    return make_error(ENOENT, "{}: no such file; with -b SIZE it would be made", path);
  }
  if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode))
    return make_error(ENOTBLK, "{}: neither a block device nor an image file", path);
  BF_TRY(check_file_size_limit(path));
  BF_TRY(check_unused(path, OpenMode::read_write, options.window, options.lock_wait_ms));
  BF_ASSIGN(const DeviceWindow place, partition_window(path, options.window));
  if (!options.force) {
    BF_ASSIGN(const auto content, content_of(path, options.window, place));
    if (content)
      return make_error(EEXIST, "{} appears to contain {}; use the -f option to overwrite it", path,
                        *content);
  }
  return check_unlocked(path, options);
}

}  // namespace

Result<MkfsTargets> MkfsTargets::prepare(const std::vector<std::string>& paths,
                                         const MkfsTargetOptions& options) {
  for (const std::string& path : paths)
    if (const Status good = look_at(path, options); !good)
      return tl::unexpected(with_dead_mount(good.error(), path));
  MkfsTargets targets;
  if (options.window.whole() && options.byte_count != 0)
    for (const std::string& path : paths) BF_TRY(targets.make_room(path, options.byte_count));
  return targets;
}

Status MkfsTargets::make_room(const std::string& path, uint64_t bytes) {
  struct stat info {};
  const bool is_new = ::stat(path.c_str(), &info) != 0;
  if (!is_new && (!S_ISREG(info.st_mode) || static_cast<uint64_t>(info.st_size) >= bytes)) return {};
  // O_NONBLOCK: should a FIFO have come to be there, this fails instead of waiting for its reader.
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
  if (file < 0) return make_error(errno, "cannot create {}: {}", path, std::strerror(errno));
  // From here on the destructor takes it back, ftruncate(2) that fails included.
  changes_.push_back({path, is_new, static_cast<uint64_t>(info.st_size)});
  const int code = bytes > INT64_MAX ? EFBIG : ::ftruncate(file, static_cast<off_t>(bytes)) != 0 ? errno : 0;
  ::close(file);
  if (code == 0) return {};
  return make_error(code, "cannot make {} {} bytes long: {}", path, bytes, std::strerror(code));
}

MkfsTargets::~MkfsTargets() {
  for (const Change& change : changes_) {
    if (change.is_new) {
      (void)::unlink(change.path.c_str());
    } else {
      (void)!::truncate(change.path.c_str(), static_cast<off_t>(change.old_bytes));
    }
  }
}

}  // namespace butterfuse
