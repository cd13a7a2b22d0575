// SPDX-License-Identifier: GPL-2.0-or-later
// /sys/dev/block says what a partition is a part of, and what a loop device has behind it.
//
//     /dev/loop3p1, bytes [0, end)
//       └─ partition 1 of loop3       + its start
//            └─ loop3                 + its offset
//                 └─ /images/disk     a regular file: the end of the way
//
// Each step moves the range into what is below and cuts it where the part ends. Two names are the same bytes
// where both ways end in the same file or disk, with ranges that overlap.
#include "core/device/storage_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/base/answer_in_time.h"
#include "core/base/unasked_stat.h"
#include "core/device/partition_table.h"

namespace butterfuse {
namespace {

// Loop devices on partitions of loop devices ...; a ring, which should not be, would have no end.
constexpr size_t kDepthMax = 8;
constexpr uint64_t kUnitBytes = 512;  // of the starts and sizes in /sys

std::string folder_of(dev_t device) {
  return fmt::format("/sys/dev/block/{}:{}", major(device), minor(device));
}

std::string read_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::optional<uint64_t> read_number(const std::string& path) {
  const std::string line = read_line(path);
  if (line.empty() || line.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::strtoull(line.c_str(), nullptr, 10);
}

// [start, end) counts in a part that begins at `offset` of its whole and has `bytes` (0: to the end).
void move_out(StoragePlace& place, uint64_t offset, uint64_t bytes) {
  const auto outer = [&](uint64_t at) { return at > ~uint64_t{0} - offset ? ~uint64_t{0} : at + offset; };
  if (bytes != 0) place.end = std::min(place.end, bytes);
  place.start = outer(place.start);
  place.end = outer(place.end);
}

std::optional<StoragePlace> place_in_own_name(const struct stat& info) {
  if (S_ISREG(info.st_mode))
    return StoragePlace{.is_file = true, .device = info.st_dev, .inode = info.st_ino};
  if (S_ISBLK(info.st_mode)) return StoragePlace{.device = info.st_rdev};
  return std::nullopt;
}

std::string node_of(dev_t device) { return "/dev/" + disk_name(device); }

struct LoopStatus {
  bool told = false;
  loop_info64 info{};
};

// The kernel asks the file system that the file is on.
LoopStatus loop_status(dev_t device) {
  const std::string node = node_of(device);
  const auto status =
      answer_in_time<LoopStatus>("file of " + node, [device, name = node.c_str()](LoopStatus& answer) {
        const int fd = ::open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat opened {};
        answer.told = fd >= 0 && ::fstat(fd, &opened) == 0 && S_ISBLK(opened.st_mode) &&
                      opened.st_rdev == device && ::ioctl(fd, LOOP_GET_STATUS64, &answer.info) == 0;
        if (fd >= 0) ::close(fd);
      });
  return status.value_or(LoopStatus{});
}

// Who may open the loop device learns the file itself; others its name, which may mean another one here.
std::optional<StorageLayer> backing_of(dev_t device) {
  const std::string name = read_line(folder_of(device) + "/loop/backing_file");
  if (name.empty()) return std::nullopt;
  const auto info_by_name = stat_in_time(name);
  const auto named = info_by_name ? place_in_own_name(*info_by_name) : std::nullopt;
  const auto [told, info] = loop_status(device);
  if (!told) return named ? std::optional(StorageLayer{name, *named}) : std::nullopt;
  const auto disk = static_cast<dev_t>(info.lo_rdevice);
  if (disk != 0) return StorageLayer{node_of(disk), {.device = disk}};
  const StoragePlace file{.is_file = true,
                          .device = static_cast<dev_t>(info.lo_device),
                          .inode = static_cast<ino_t>(info.lo_inode)};
  return StorageLayer{named && named->same_storage(file) ? name : "", file};
}

// What a partition or loop device lies in.
std::optional<StorageLayer> layer_below(const StoragePlace& place) {
  if (place.is_file) return std::nullopt;
  const std::string folder = folder_of(place.device);
  StoragePlace moved = place;
  if (const auto start = read_number(folder + "/start");
      start && std::filesystem::exists(folder + "/partition")) {
    const auto whole = read_device_number(folder + "/../dev");
    if (!whole) return std::nullopt;
    move_out(moved, *start * kUnitBytes, read_number(folder + "/size").value_or(0) * kUnitBytes);
    moved.device = *whole;
    return StorageLayer{node_of(*whole), moved};
  }
  auto backing = backing_of(place.device);
  if (!backing) return std::nullopt;
  move_out(moved, read_number(folder + "/loop/offset").value_or(0),
           read_number(folder + "/loop/sizelimit").value_or(0));
  backing->place.start = moved.start, backing->place.end = moved.end;
  return backing;
}

std::vector<StorageLayer> layers_from(StorageLayer top) {
  std::vector<StorageLayer> layers{std::move(top)};
  while (layers.size() <= kDepthMax) {
    auto below = layer_below(layers.back().place);
    if (!below) break;
    layers.push_back(std::move(*below));
  }
  return layers;
}

}  // namespace

std::optional<dev_t> read_device_number(const std::string& sysfs_file) {
  unsigned major_number = 0, minor_number = 0;
  if (std::sscanf(read_line(sysfs_file).c_str(), "%u:%u", &major_number, &minor_number) != 2)
    return std::nullopt;
  return makedev(major_number, minor_number);
}

std::string disk_name(dev_t device) {
  std::error_code error;
  const auto folder = std::filesystem::canonical(folder_of(device), error);
  return error ? fmt::format("{}:{}", major(device), minor(device)) : folder.filename().string();
}

StoragePlace place_of_disk(dev_t device) { return layers_from({"", {.device = device}}).back().place; }

StoragePlace place_below(const StoragePlace& place) { return layers_from({"", place}).back().place; }

std::optional<StoragePlace> place_of(const std::string& path) { return place_of(path, {}); }

std::optional<StoragePlace> place_of(const struct stat& info) {
  const auto place = place_in_own_name(info);
  return place ? std::optional(place_below(*place)) : std::nullopt;
}

std::optional<StoragePlace> place_of(const std::string& path, const DeviceWindow& window) {
  const auto layers = layers_of(path, window);
  return layers.empty() ? std::nullopt : std::optional(layers.back().place);
}

std::vector<StorageLayer> layers_of(const std::string& path, const DeviceWindow& window) {
  // Whoever names it will open it: it is asked like that.
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  auto place = place_in_own_name(info);
  if (!place) return {};
  if (window.partition != 0) {
    if (const auto partition = find_partition(path, window.partition))
      move_out(*place, partition->offset, partition->bytes);
  } else if (!window.whole()) {
    move_out(*place, window.offset, window.bytes);
  }
  return layers_from({path, *place});
}

}  // namespace butterfuse
