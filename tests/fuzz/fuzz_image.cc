// SPDX-License-Identifier: GPL-2.0-or-later
// A damaged file system is mounted, walked, read, changed a little, unmounted and checked.
#include "core/check/checker.h"
#include "fs/options/parse_options.h"
#include "tests/crash/setting.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/exercise.h"
#include "tests/support/mkfs_image.h"

using namespace butterfuse;
using namespace butterfuse::fuzz;

namespace {

constexpr const char* kOptions[] = {"",
                                    "",
                                    "compress=zstd",
                                    "nodatacow",
                                    "ro",
                                    "ro,rescue=all",
                                    "ro,rescue=usebackuproot",
                                    "clear_cache",
                                    "degraded",
                                    "ro,degraded"};

void use(const Disks& disks, const std::string& options) {
  MountOptions parsed;
  must(parse_mount_options(options + ",commit=3600,thread_pool=1,cache_size=32M", parsed));
  auto mount = Mount::open(crash::share(disks), parsed);
  if (!mount) return;
  read_all(**mount);
  if (!parsed.read_only) change_some(**mount);
  (void)(*mount)->close();
}

bool any_block(const BlockCopies&) { return true; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static BaseImages images(false);
  FuzzedDataProvider bytes(data, size);
  const BaseImage& image = images.at(bytes.ConsumeIntegralInRange<size_t>(0, images.count() - 1));
  const char* options = bytes.PickValueInArray(kOptions);
  const bool checked = bytes.ConsumeBool();
  if (image.devices.empty()) return 0;
  const Disks disks = damage(image, bytes, any_block);
  use(disks, options);
  if (checked) (void)check_filesystem(crash::share(disks), {});
  return 0;
}
