// Setting: the file system, mount options and shape of a workload, as its seed has it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/mkfs/mkfs.h"
#include "fs/vfs/mount.h"
#include "tests/crash/workload.h"
#include "core/device/shared_device.h"

namespace butterfuse::crash {

constexpr uint64_t kDeviceBytes = 160u << 20;

using Disks = std::vector<std::shared_ptr<BlockDevice>>;

struct Setting {
  explicit Setting(uint64_t seed);

  MkfsOptions mkfs;
  size_t devices;
  std::string options;  // of the mount
  size_t atom;          // bytes that a crash leaves whole; what is overwritten in place has none but sectors
  WorkloadShape shape;
  std::string text;  // for a report

  Disks make_disks() const;  // in memory, with a fresh file system
  MountOptions mount_options() const;
};

// Devices that a file system may own while the caller keeps them.
template <class Devices>
BlockDevices share(const Devices& devices) {
  BlockDevices result;
  for (const auto& device : devices) result.push_back(std::make_unique<SharedDevice>(device));
  return result;
}

}  // namespace butterfuse::crash
