// SPDX-License-Identifier: GPL-2.0-or-later
// Setting: the file system, mount options and shape of a workload, as its seed has it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/device/shared_device.h"
#include "core/mkfs/mkfs.h"
#include "fs/mount/mount.h"
#include "tests/crash/workload.h"

namespace butterfuse::crash {

constexpr uint64_t kDeviceBytes = 160u << 20;
constexpr uint64_t kDupDeviceBytes = 256u << 20;  // two copies of data want more

using Disks = std::vector<std::shared_ptr<BlockDevice>>;

// What the devices hold before the workload.
enum class Start {
  fresh,        // a new file system
  full,         // one whose data space is preallocated to the last byte
  kernel_made,  // one of the golden images, where they are
};

struct Setting {
  explicit Setting(uint64_t seed);

  Start start = Start::fresh;
  std::string image;  // golden
  MkfsOptions mkfs;
  size_t devices;
  std::string options;  // of the mount
  size_t atom;          // bytes that a crash leaves whole; what is overwritten in place has none but sectors
  WorkloadShape shape;
  std::string text;  // for a report

  Disks make_disks() const;  // in memory; a work folder where there is something else
  MountOptions mount_options() const;
  // Each chunk can do without any one device.
  bool one_device_may_fail() const;

 private:
  Disks make_fresh_disks() const;
  void prepare(const Disks& disks) const;
};

// Devices that a file system may own while the caller keeps them.
template <class Devices>
BlockDevices share(const Devices& devices) {
  BlockDevices result;
  for (const auto& device : devices) result.push_back(std::make_unique<SharedDevice>(device));
  return result;
}

}  // namespace butterfuse::crash
