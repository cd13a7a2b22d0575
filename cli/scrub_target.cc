// SPDX-License-Identifier: GPL-2.0-or-later
// ScrubTarget: both kinds.
#include "cli/scrub_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "cli/mounts/dead_mount.h"
#include "cli/sources.h"
#include "core/log/replay.h"

namespace butterfuse {
namespace {

class MountedTarget final : public ScrubTarget {
 public:
  MountedTarget(std::string path, int fd, const btrfs_ioctl_fs_info_args& info, bool repair)
      : path_(std::move(path)), fd_(fd), info_(info), repair_(repair) {}
  ~MountedTarget() override { ::close(fd_); }

  std::string fsid() const override {
    Uuid uuid;
    std::memcpy(uuid.bytes.data(), info_.fsid, uuid.bytes.size());
    return uuid.to_text();
  }
  std::vector<ScrubDevice> devices() const override {
    std::vector<ScrubDevice> devices;
    // Numbers have gaps where devices were removed: ENODEV is no error here.
    for (uint64_t devid = 0; devid <= info_.max_id; ++devid) {
      btrfs_ioctl_dev_info_args device{};
      device.devid = devid;
      if (::ioctl(fd_, BTRFS_IOC_DEV_INFO, &device) == 0)
        devices.push_back({devid, device.bytes_used, reinterpret_cast<const char*>(device.path)});
    }
    return devices;
  }
  Result<ScrubProgress> run(uint64_t devid, uint64_t from) override {
    btrfs_ioctl_scrub_args arguments{};
    arguments.devid = devid;
    arguments.start = from;
    arguments.end = ~uint64_t{0};
    arguments.flags = repair_ ? 0 : BTRFS_SCRUB_READONLY;
    if (::ioctl(fd_, BTRFS_IOC_SCRUB, &arguments) != 0)
      return make_error(errno, "{}: scrub of device {}: {}", path_, devid, std::strerror(errno));
    return decode(arguments.progress);
  }
  ScrubProgress progress(uint64_t devid) override {
    btrfs_ioctl_scrub_args arguments{};
    arguments.devid = devid;
    return ::ioctl(fd_, BTRFS_IOC_SCRUB_PROGRESS, &arguments) == 0 ? decode(arguments.progress)
                                                                   : ScrubProgress{};
  }
  void cancel() override { ::ioctl(fd_, BTRFS_IOC_SCRUB_CANCEL); }
  Status close() override { return {}; }

 private:
  static ScrubProgress decode(const btrfs_scrub_progress& from) {
    ScrubProgress to;
    to.data_extents = from.data_extents_scrubbed, to.tree_extents = from.tree_extents_scrubbed;
    to.data_bytes = from.data_bytes_scrubbed, to.tree_bytes = from.tree_bytes_scrubbed;
    to.read_errors = from.read_errors, to.csum_errors = from.csum_errors + from.verify_errors;
    to.no_csum = from.no_csum, to.super_errors = from.super_errors;
    to.uncorrectable = from.uncorrectable_errors, to.corrected = from.corrected_errors;
    to.last_physical = from.last_physical;
    return to;
  }

  const std::string path_;
  const int fd_;
  const btrfs_ioctl_fs_info_args info_;
  const bool repair_;
};

class ImageTarget final : public ScrubTarget {
 public:
  ImageTarget(std::unique_ptr<Filesystem> filesystem, bool repair)
      : filesystem_(std::move(filesystem)), repair_(repair) {
    filesystem_->volume().set_repairs(repair_);
  }
  std::string fsid() const override {
    Uuid uuid;
    std::memcpy(uuid.bytes.data(), filesystem_->volume().super().fsid, uuid.bytes.size());
    return uuid.to_text();
  }
  std::vector<ScrubDevice> devices() const override {
    std::vector<ScrubDevice> devices;
    for (const MemberDevice* member : filesystem_->volume().members())
      devices.push_back(
          {member->devid, member->item.bytes_used, member->missing() ? std::string() : member->name()});
    return devices;
  }
  Result<ScrubProgress> run(uint64_t devid, uint64_t from) override {
    auto scrub = std::make_shared<Scrub>(*filesystem_, devid, ByteRange{from, ~uint64_t{0}}, repair_);
    {
      MutexLock lock(mutex_);
      // It was cancelled between two devices, or before the first.
      if (cancelled_) scrub->cancel();
      scrub_ = scrub;
    }
    const Status done = scrub->run();
    if (!done && done.error().code != ECANCELED) return tl::unexpected(done.error());
    return scrub->progress();
  }
  ScrubProgress progress(uint64_t) override {
    MutexLock lock(mutex_);
    return scrub_ ? scrub_->progress() : ScrubProgress{};
  }
  void cancel() override {
    MutexLock lock(mutex_);
    cancelled_ = true;
    if (scrub_) scrub_->cancel();
  }
  Status close() override { return filesystem_->close(); }

 private:
  const std::unique_ptr<Filesystem> filesystem_;
  const bool repair_;
  Mutex mutex_;
  std::shared_ptr<Scrub> scrub_ BF_GUARDED_BY(mutex_);
  bool cancelled_ BF_GUARDED_BY(mutex_) = false;
};

// Any mounted btrfs, the kernel's too: what is asked are its own ioctls. The mount repairs, so it decides who
// may: root, or the user who serves it.
Result<std::unique_ptr<ScrubTarget>> open_mounted(const std::string& path, bool repair) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  btrfs_ioctl_fs_info_args info{};
  if (fd >= 0 && ::ioctl(fd, BTRFS_IOC_FS_INFO, &info) == 0)
    return std::make_unique<MountedTarget>(path, fd, info, repair);
  const Error error{errno, fmt::format("{}: {}", path, std::strerror(errno))};
  if (fd >= 0) ::close(fd);
  if (fd < 0 || is_dead_mount(error)) return tl::unexpected(with_dead_mount(error, path));
  return make_error(EINVAL, "{} is a directory, but not in a mounted btrfs", path);
}

Result<std::unique_ptr<ScrubTarget>> open_images(const ScrubWishes& wishes) {
  OpenOptions how;
  how.mode = wishes.repair ? OpenMode::read_write : OpenMode::read_only;
  BF_ASSIGN(BlockDevices devices,
            open_sources(wishes.sources, how, wishes.window, wishes.repair ? InUse::refuse : InUse::warn));
  FilesystemOptions options;
  options.read_only = !wishes.repair;
  options.degraded = wishes.degraded;
  auto filesystem = open_replayed(std::move(devices), options);
  if (filesystem) return std::make_unique<ImageTarget>(std::move(*filesystem), wishes.repair);
  Error error = with_partitions(std::move(filesystem.error()), wishes.sources.front());
  if (wishes.repair && error.code == EROFS) error.message += "; a scrub with --readonly verifies it";
  return tl::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<ScrubTarget>> open_scrub_target(const ScrubWishes& wishes) {
  std::error_code ignored;
  const std::string& first = wishes.sources.front();
  if (!std::filesystem::is_directory(first, ignored)) return open_images(wishes);
  if (wishes.sources.size() > 1) return make_error(EINVAL, "one mount at a time");
  if (!wishes.window.whole())
    return make_error(
        EINVAL, "{}: --part, --offset and --sizelimit are for images and devices, not for a mount", first);
  return open_mounted(first, wishes.repair);
}

}  // namespace butterfuse
