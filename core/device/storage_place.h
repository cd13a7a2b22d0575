// SPDX-License-Identifier: GPL-2.0-or-later
// StoragePlace: which bytes of which file or disk a name stands for, below loop devices and partitions.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/device/window_device.h"

namespace butterfuse {

// The same bytes have many names: an image, a loop device of it, a partition of that. Two places are compared
// where they lie: in a regular file, or on a disk.
struct StoragePlace {
  bool is_file = false;
  dev_t device = 0;                        // of a file: where it is; else the disk itself
  ino_t inode = 0;                         // of a file
  uint64_t start = 0, end = ~uint64_t{0};  // bytes

  bool overlaps(const StoragePlace& other) const {
    return is_file == other.is_file && device == other.device && inode == other.inode && start < other.end &&
           other.start < end;
  }
  bool same_storage(const StoragePlace& other) const {
    return is_file == other.is_file && device == other.device && inode == other.inode;
  }
};

// A thing that a place lies in, on the way down from its name: a partition, the loop device that has it, the
// file behind that.
struct StorageLayer {
  std::string name;    // by which it can be opened; empty: it has none any more, or none that is known
  StoragePlace place;  // where in this layer
};
// From the thing of that name down to where the bytes lie, which place_of tells; empty when there is none.
std::vector<StorageLayer> layers_of(const std::string& path, const DeviceWindow& window);

// Of an image file or block device; nothing when there is none of that name. Symbolic links are followed.
std::optional<StoragePlace> place_of(const std::string& path);
// Of what is known already.
std::optional<StoragePlace> place_of(const struct stat& info);
// Of the window of it; one that can't be found there is taken for the whole.
std::optional<StoragePlace> place_of(const std::string& path, const DeviceWindow& window);
// What lies in a partition or loop device, as a place in what is below that.
StoragePlace place_below(const StoragePlace& place);
// Of a block device by number.
StoragePlace place_of_disk(dev_t device);
// "8:1", as files of sysfs name a device; nothing where the file is not there or says something else.
std::optional<dev_t> read_device_number(const std::string& sysfs_file);
// "loop3p1"; the number where the kernel has no such device.
std::string disk_name(dev_t device);

}  // namespace butterfuse
