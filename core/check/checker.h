// SPDX-License-Identifier: GPL-2.0-or-later
// Checker: judges a whole file system, read-only: trees, references, space, names and data checksums.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "core/check/check_options.h"
#include "core/device/block_device.h"
#include "core/volume/volume.h"

namespace butterfuse {

// Opens the file system on these devices and checks all of it. An Error only when it cannot be opened at all
// or on EINTR; damage is counted in the summary. Memory: some 220 bytes for an extent with one reference, 80
// for each more, and the inodes and names of one subvolume.
Result<CheckSummary> check_filesystem(BlockDevices devices, const CheckOptions& options);
Result<CheckSummary> check_filesystem(std::unique_ptr<BlockDevice> device, const CheckOptions& options);

}  // namespace butterfuse
