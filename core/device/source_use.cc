// SPDX-License-Identifier: GPL-2.0-or-later
// From places to those who use them.
//
// In this order, the plainest answer first: mounts by their place, devices of the kernel's btrfs (a mount
// names only one of several), loop devices somebody has, what is made of a disk, locks further down. Each of
// them may be out of sight for an ordinary user; then it finds nothing, and what is left to keep two writers
// apart is O_EXCL.
#include "core/device/source_use.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/base/answer_in_time.h"
#include "core/base/processes.h"
#include "core/base/unasked_stat.h"
#include "core/device/mount_tables.h"
#include "core/device/source_wait.h"
#include "core/device/storage_lock.h"

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) entries.push_back(entry.path());
  std::ranges::sort(entries);
  return entries;
}

// Where the name in a mount table says less than there is to say, or something else.
std::string through(const std::string& path, const MountedSource& mount) {
  if (mount.entry.source == path) return "";
  const auto place = place_of(path);
  const bool says_so = mount.named && place && mount.named->overlaps(*place);
  return (says_so ? ", through " : ", shown as ") + mount.entry.source;
}

SourceUse use_of(const std::string& path, const MountedSource& mount) {
  return {
      .text = fmt::format("is mounted at {} ({}{})", mount.where(), mount.entry.type, through(path, mount)),
      .may_write = !mount.entry.super_has("ro"),
      .by_butterfuse = mount.entry.is_butterfuse(),
      .may_end_soon = mount.ends_soon};
}

std::optional<SourceUse> find_mount(const std::string& path, const StoragePlace& place,
                                    const std::vector<MountedSource>& mounts) {
  std::optional<SourceUse> found;
  for (const MountedSource& mount : mounts) {
    if (!mount.uses(place)) continue;
    if (!found || !found->may_write) found = use_of(path, mount);
  }
  return found;
}

// /sys/fs/btrfs/<fsid>/devices has all devices of what is mounted, of which the mount table names one.
std::optional<SourceUse> find_btrfs(const StoragePlace& place, const std::vector<MountedSource>& mounts) {
  for (const fs::path& filesystem : entries_of("/sys/fs/btrfs")) {
    std::vector<dev_t> devices;
    std::string name;
    for (const fs::path& entry : entries_of(filesystem / "devices")) {
      const auto device = read_device_number((entry / "dev").string());
      if (!device) continue;
      devices.push_back(*device);
      if (place_of_disk(*device).overlaps(place)) name = entry.filename();
    }
    if (name.empty()) continue;
    const auto mount = std::ranges::find_if(mounts, [&](const MountedSource& it) {
      return it.block_device && std::ranges::find(devices, *it.block_device) != devices.end();
    });
    if (mount != mounts.end())
      return SourceUse{.text = fmt::format("is mounted at {} (btrfs, through /dev/{})", mount->where(), name),
                       .may_write = !mount->entry.super_has("ro")};
    return SourceUse{.text = fmt::format("is mounted by the kernel, as /dev/{} of the btrfs {}, in a mount "
                                         "namespace that can't be seen from here",
                                         name, filesystem.filename().string())};
  }
  return std::nullopt;
}

// A loop device's partitions, each with a name in /dev.
std::vector<fs::path> partitions_of(const fs::path& loop) {
  std::vector<fs::path> partitions;
  for (const fs::path& entry : entries_of(loop))
    if (fs::exists(entry / "partition")) partitions.push_back(entry);
  return partitions;
}

// Opening with O_EXCL asks and claims in one: it is given back at once.
bool has_holder(const fs::path& device) {
  if (!entries_of(device / "holders").empty()) return true;
  const std::string name = "/dev/" + device.filename().string();
  const auto busy = answer_in_time<bool>("holder of " + name, [path = name.c_str()](bool& answer) {
    const int fd = ::open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    answer = fd < 0 && errno == EBUSY;
    if (fd >= 0) ::close(fd);
  });
  return busy.value_or(true);
}

// The part of the loop device in which the place lies that is given as what is below, counted in the device.
std::optional<StorageLayer> part_in(dev_t device, const StoragePlace& place) {
  const StoragePlace whole = place_of_disk(device);
  if (!whole.overlaps(place)) return std::nullopt;
  StorageLayer layer{"/dev/" + disk_name(device), {.device = device}};
  if (place.start > whole.start) layer.place.start = place.start - whole.start;
  if (place.end < whole.end) layer.place.end = place.end - whole.start;
  return layer;
}

// Of a device with partitions only locks are asked for: it counts as held where one of those is.
std::optional<SourceUse> find_use_of_loop(const std::string& path, const fs::path& disk, bool is_partitioned,
                                          const StoragePlace& place,
                                          const std::vector<MountedSource>& mounts) {
  struct stat own {};
  const bool is_block = ::stat(path.c_str(), &own) == 0 && S_ISBLK(own.st_mode);
  const auto device = read_device_number((disk / "dev").string());
  if (!device || (is_block && own.st_rdev == *device)) return std::nullopt;
  const auto part = part_in(*device, place);
  if (!part) return std::nullopt;
  const StorageLock lock = lock_on(*part);  // of who reads it only, and so has no claim
  if (lock == StorageLock::none && (is_partitioned || !has_holder(disk))) return std::nullopt;
  const auto mount = std::ranges::find_if(
      mounts, [&](const MountedSource& it) { return it.block_device && *it.block_device == *device; });
  if (mount != mounts.end()) return use_of(path, *mount);
  return SourceUse{.text = "is in use through " + part->name,
                   .may_write = lock != StorageLock::shared,
                   .may_end_soon = lock != StorageLock::none};
}

// Partitions before the whole: what is held there says more.
std::optional<SourceUse> find_loop(const std::string& path, const StoragePlace& place,
                                   const std::vector<MountedSource>& mounts) {
  for (const fs::path& loop : entries_of("/sys/block")) {
    if (!fs::exists(loop / "loop")) continue;
    const auto partitions = partitions_of(loop);
    for (const fs::path& partition : partitions)
      if (auto use = find_use_of_loop(path, partition, false, place, mounts)) return use;
    if (auto use = find_use_of_loop(path, loop, !partitions.empty(), place, mounts)) return use;
  }
  return std::nullopt;
}

SourceUse use_by_locker(const std::string& path, const StorageLayer& layer, StorageLock lock) {
  if (auto mount = find_butterfuse_mount(path, layer.place)) return *mount;
  const std::string opener = find_opener(layer.place);
  return {
      .text = fmt::format("is in use by {}, which has {} locked", opener.empty() ? "another process" : opener,
                          layer.name.empty() ? "the file behind it" : layer.name),
      .may_write = lock == StorageLock::exclusive,
      .may_end_soon = true};
}

// What lies below, the device of a partition or the file of a loop device, may be locked by a program of
// ours. The lock on the thing itself is for who opens it, which waits for those that end.
std::optional<SourceUse> find_lock_below(const std::string& path, const DeviceWindow& window) {
  const auto layers = layers_of(path, window);
  for (size_t depth = 1; depth < layers.size(); ++depth)
    if (const StorageLock lock = lock_on(layers[depth]); lock != StorageLock::none)
      return use_by_locker(path, layers[depth], lock);
  return std::nullopt;
}

// What is made of a disk, such as a part of a volume group, has it exclusively.
std::optional<SourceUse> find_holder(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISBLK(info.st_mode)) return std::nullopt;
  const auto holders =
      entries_of(fmt::format("/sys/dev/block/{}:{}/holders", major(info.st_rdev), minor(info.st_rdev)));
  if (holders.empty()) return std::nullopt;
  return SourceUse{.text = fmt::format("is in use through /dev/{}", holders.front().filename().string())};
}

// The files and disks that a process has open, as far as it lets us see them.
std::vector<StoragePlace> open_places(const fs::path& process) {
  std::vector<StoragePlace> places;
  for (const fs::path& fd : entries_of(process / "fd")) {
    const auto info = stat_of_open_file(fd);
    if (info && S_ISREG(info->st_mode))
      places.push_back({.is_file = true, .device = info->st_dev, .inode = info->st_ino});
    if (info && S_ISBLK(info->st_mode)) places.push_back(place_of_disk(info->st_rdev));
  }
  return places;
}

std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

std::optional<SourceUse> find_source_use(const std::string& path, const DeviceWindow& window) {
  const auto place = place_of(path, window);
  if (!place) return std::nullopt;
  const std::vector<MountedSource> mounts = read_mount_tables();
  if (auto use = find_mount(path, *place, mounts)) return use;
  if (auto use = find_btrfs(*place, mounts)) return use;
  if (auto use = find_loop(path, *place, mounts)) return use;
  if (auto use = find_holder(path)) return use;
  return find_lock_below(path, window);
}

std::optional<SourceUse> find_butterfuse_mount(const std::string& path, const StoragePlace& place) {
  const StoragePlace lowest = place_below(place);
  for (const MountedSource& mount : read_mount_tables())
    if (mount.entry.is_butterfuse() && mount.seems_to_use(lowest) && (mount.ends_soon || !mount.is_dead()))
      return use_of(path, mount);
  return std::nullopt;
}

std::string find_opener(const StoragePlace& place) {
  const StoragePlace lowest = place_below(place);
  for (const pid_t pid : processes()) {
    const fs::path process = fmt::format("/proc/{}", pid);
    const auto has_it = [&](const StoragePlace& open) { return open.same_storage(lowest); };
    if (pid == ::getpid() || std::ranges::none_of(open_places(process), has_it)) continue;
    return fmt::format("process {} ({})", pid, first_line(process / "comm"));
  }
  return "";
}

Status check_unused(const std::string& path, OpenMode mode, const DeviceWindow& window, uint32_t wait_ms) {
  std::optional<SourceUse> use;
  const auto look = [&]() -> int {
    use = find_source_use(path, window);
    return use && (mode == OpenMode::read_write || use->may_write) ? EBUSY : 0;
  };
  const auto is_for_good = [&] { return !use->may_end_soon; };
  const int code = retry_while_busy(path, wait_ms, {.run = look, .is_for_good = is_for_good});
  if (code == 0) return {};
  if (code == EINTR) return make_error(EINTR, "{}: interrupted while waiting for another process", path);
  if (use->by_butterfuse) return in_use_by_mount(path, *use);
  return make_error(EBUSY, "{} {}; unmount it there first", path, use->text);
}

tl::unexpected<Error> in_use_by_mount(const std::string& path, const SourceUse& mount) {
  return make_error(EBUSY, "{} {}: use it there, or what is bind-mounted from there, or unmount it first",
                    path, mount.text);
}

}  // namespace butterfuse
