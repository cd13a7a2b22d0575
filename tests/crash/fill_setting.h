// SPDX-License-Identifier: GPL-2.0-or-later
// FillSetting: the full file system that a seed stands for.
#pragma once

#include "tests/crash/setting.h"

namespace butterfuse::crash {

// Files in the work folder, shared with snapshots and with each other; then next to nothing is left.
struct FillSetting : Setting {
  explicit FillSetting(uint64_t seed);

  Disks make_disks() const;  // one

  uint64_t device_bytes = 0;
  bool kernel_made = false;  // by mkfs.btrfs and the kernel, but for what fills it
  int snapshots = 0, small_files = 0, broken_files = 0, extents = 0;
  uint64_t left_bytes = 0;
  bool fills_metadata = false;

 private:
  Disks make_ours() const;
  Disks make_kernels() const;
  void fill(const Disks& disks) const;
  uint64_t seed_;
};

}  // namespace butterfuse::crash
