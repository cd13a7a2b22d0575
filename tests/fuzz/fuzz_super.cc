// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged superblocks under a right checksum: judged, opened with their chunk array, printed.
#include "core/check/dump.h"
#include "core/device/memory_device.h"
#include "core/volume/superblock.h"
#include "core/volume/volume.h"
#include "tests/fuzz/damage.h"
#include "tests/support/mkfs_image.h"

using namespace butterfuse;
using namespace butterfuse::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static BaseImages images(false);
  FuzzedDataProvider bytes(data, size);
  const BaseImage& image = images.at(bytes.ConsumeIntegralInRange<size_t>(0, images.count() - 1));
  DiskSuper super = image.super;
  while (bytes.remaining_bytes() > 0) damage_super(super, bytes);
  super.magic = kSuperMagic;
  seal_super(super, 0);
  // At least as long as what is written to it.
  const uint64_t device_bytes = image.devices.empty() ? 0 : image.devices.front()->size_bytes();
  auto device = std::make_unique<MemoryDevice>(std::max<uint64_t>(device_bytes, 1 << 20));
  must(device->write(super.bytenr, object_bytes(super), WriteKind::super));
  (void)dump_super(*device, {.full = true, .all = true}, [](std::string_view) {});
  (void)Volume::open(std::move(device));
  return 0;
}
