// SPDX-License-Identifier: GPL-2.0-or-later
// A damaged file system is checked, data checksums included, its trees are printed, and it is repaired: with
// no more errors afterwards.
#include "core/check/checker.h"
#include "core/check/dump.h"
#include "core/repair/repair.h"
#include "tests/crash/setting.h"
#include "tests/fuzz/damage.h"

using namespace butterfuse;
using namespace butterfuse::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static BaseImages images(false);
  FuzzedDataProvider bytes(data, size);
  const BaseImage& image = images.at(bytes.ConsumeIntegralInRange<size_t>(0, images.count() - 1));
  const bool data_csums = bytes.ConsumeBool(), dumped = bytes.ConsumeBool(), repaired = bytes.ConsumeBool();
  if (image.devices.empty()) return 0;
  const Disks disks = damage(image, bytes, [](const BlockCopies&) { return true; });
  CheckOptions options;
  options.data_csums = data_csums;
  (void)check_filesystem(crash::share(disks), options);
  const auto ignore = [](std::string_view) {};
  if (repaired) {
    repair::Repair plan(disks, {});
    if (plan.plan() && plan.after().errors > plan.before().errors && plan.is_improvement()) std::abort();
  }
  if (dumped) (void)dump_tree(crash::share(disks), {}, ignore);
  return 0;
}
