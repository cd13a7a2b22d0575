// SPDX-License-Identifier: GPL-2.0-or-later
// make_filesystem: a new, empty btrfs file system on one or more devices.
#pragma once

#include <string>
#include <vector>

#include "core/device/block_device.h"
#include "core/mkfs/mkfs_options.h"

namespace butterfuse {

// What was made, for a summary.
struct MkfsSummary {
  Uuid fsid;
  uint64_t total_bytes = 0;
  struct Chunk {
    uint64_t type = 0;    // bg:: flags
    uint64_t length = 0;  // logical
  };
  std::vector<Chunk> chunks;
  std::vector<uint64_t> device_bytes;  // of devids 1, 2, ...
};

// Overwrites what is on the devices; whether that may be lost is for the caller to ask (see signature.h,
// core/device/source_use.h). Order: the devices are discarded (where options say so), old superblocks and
// signatures zeroed, trees written, flush, superblocks written, flush. From the zeros to the superblocks a
// crash leaves no file system, neither the old one nor a half-made new one. Errors: those of
// check_mkfs_options, and of the devices.
Result<MkfsSummary> make_filesystem(const std::vector<BlockDevice*>& devices, const MkfsOptions& options);
Result<MkfsSummary> make_filesystem(BlockDevice& device, const MkfsOptions& options);

}  // namespace butterfuse
