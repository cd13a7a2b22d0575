// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged log trees are replayed, in memory and on disk, and what comes of it is read and checked.
#include "core/check/checker.h"
#include "fs/options/parse_options.h"
#include "tests/crash/setting.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/exercise.h"
#include "tests/support/mkfs_image.h"

using namespace butterfuse;
using namespace butterfuse::fuzz;

namespace {

bool is_log_block(const BlockCopies& copies) { return copies.owner == objectid::kTreeLog; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static BaseImages images(true);
  FuzzedDataProvider bytes(data, size);
  const BaseImage& image = images.at(bytes.ConsumeIntegralInRange<size_t>(0, images.count() - 1));
  const bool read_only = bytes.ConsumeBool();
  if (image.devices.empty()) return 0;
  const Disks disks = damage(image, bytes, is_log_block);
  MountOptions options;
  must(parse_mount_options(read_only ? "ro" : "commit=3600", options));
  options.thread_pool = 1;
  auto mount = Mount::open(crash::share(disks), options);
  if (!mount) return 0;
  read_all(**mount);
  if (!read_only) change_some(**mount);
  (void)(*mount)->close();
  return 0;
}
