// /sys/dev/block says what a partition is a part of, and what a loop device has behind it.
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

#include "core/device/partition_table.h"

namespace butterfuse {
namespace {

constexpr int kDepthMax = 8;  // loop devices on partitions of loop devices ...
constexpr uint64_t kUnitBytes = 512;

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

std::optional<dev_t> read_device_number(const std::string& path) {
  unsigned major_number = 0, minor_number = 0;
  if (std::sscanf(read_line(path).c_str(), "%u:%u", &major_number, &minor_number) != 2) return std::nullopt;
  return makedev(major_number, minor_number);
}

// [start, end) counts in a part that begins at `offset` of its whole and has `bytes` (0: to the end).
void move_out(StoragePlace& place, uint64_t offset, uint64_t bytes) {
  const auto outer = [&](uint64_t at) { return at > ~uint64_t{0} - offset ? ~uint64_t{0} : at + offset; };
  if (bytes != 0) place.end = std::min(place.end, bytes);
  place.start = outer(place.start);
  place.end = outer(place.end);
}

// Who may open the loop device learns the file itself; others its name, which may mean another one here.
std::optional<StoragePlace> backing_of(dev_t device) {
  const std::string name = loop_backing_file(device);
  if (name.empty()) return std::nullopt;
  StoragePlace backing{.is_file = true};
  const int fd = ::open(("/dev/" + disk_name(device)).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  loop_info64 info{};
  struct stat opened {};
  const bool told = fd >= 0 && ::fstat(fd, &opened) == 0 && S_ISBLK(opened.st_mode) &&
                    opened.st_rdev == device && ::ioctl(fd, LOOP_GET_STATUS64, &info) == 0;
  if (fd >= 0) ::close(fd);
  if (told && info.lo_rdevice == 0) {
    backing.device = static_cast<dev_t>(info.lo_device);
    backing.inode = static_cast<ino_t>(info.lo_inode);
    return backing;
  }
  return place_of(name);
}

StoragePlace resolve(StoragePlace place, int depth) {
  if (place.is_file || depth == 0) return place;
  const std::string folder = folder_of(place.device);
  if (const auto start = read_number(folder + "/start");
      start && std::filesystem::exists(folder + "/partition")) {
    const auto whole = read_device_number(folder + "/../dev");
    if (!whole) return place;
    move_out(place, *start * kUnitBytes, read_number(folder + "/size").value_or(0) * kUnitBytes);
    place.device = *whole;
    return resolve(place, depth - 1);
  }
  const auto backing = backing_of(place.device);
  if (!backing) return place;
  move_out(place, read_number(folder + "/loop/offset").value_or(0),
           read_number(folder + "/loop/sizelimit").value_or(0));
  place.is_file = backing->is_file, place.device = backing->device, place.inode = backing->inode;
  return resolve(place, depth - 1);
}

std::optional<StoragePlace> place_before_resolving(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  if (S_ISREG(info.st_mode))
    return StoragePlace{.is_file = true, .device = info.st_dev, .inode = info.st_ino};
  if (S_ISBLK(info.st_mode)) return StoragePlace{.device = info.st_rdev};
  return std::nullopt;
}

}  // namespace

std::string disk_name(dev_t device) {
  std::error_code error;
  const auto folder = std::filesystem::canonical(folder_of(device), error);
  return error ? fmt::format("{}:{}", major(device), minor(device)) : folder.filename().string();
}

std::string loop_backing_file(dev_t device) { return read_line(folder_of(device) + "/loop/backing_file"); }

StoragePlace place_of_disk(dev_t device) { return resolve({.device = device}, kDepthMax); }

std::optional<StoragePlace> place_of(const std::string& path) { return place_of(path, {}); }

std::optional<StoragePlace> place_of(const std::string& path, const DeviceWindow& window) {
  auto place = place_before_resolving(path);
  if (!place) return std::nullopt;
  if (window.partition != 0) {
    if (const auto partition = find_partition(path, window.partition))
      move_out(*place, partition->offset, partition->bytes);
  } else if (!window.whole()) {
    move_out(*place, window.offset, window.bytes);
  }
  return resolve(*place, kDepthMax);
}

}  // namespace butterfuse
