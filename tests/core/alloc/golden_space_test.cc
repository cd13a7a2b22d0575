// SPDX-License-Identifier: GPL-2.0-or-later
// Free space of images the kernel made: from the free space tree, the extent tree, and the allocator.
#include <catch2/catch.hpp>
#include <cstdio>

#include "core/device/memory_device.h"
#include "tests/core/alloc/space_audit.h"
#include "tests/support/test_images.h"

namespace butterfuse::golden_space_test {
namespace {

// Takes every free sector of data out of the allocator. No two ranges overlap, none is used by an extent.
uint64_t take_all_data(Filesystem& filesystem) {
  std::map<uint64_t, FreeSpace> scanned;
  for (const auto& chunk : filesystem.volume().chunks()) {
    const ByteRange group = ByteRange::at(chunk->start, chunk->length);
    scanned.emplace(chunk->start, scanned_space(filesystem, group));
  }
  uint64_t taken = 0;
  while (true) {
    auto range = filesystem.allocator().alloc_data(64 << 20, filesystem.sectorsize(), 0);
    if (!range) return taken;
    const auto chunk = filesystem.volume().chunk_at(range->start);
    REQUIRE((chunk->type & bg::kData) != 0);
    auto it = scanned.find(chunk->start);
    if (it == scanned.end()) continue;  // a new chunk
    REQUIRE(it->second.set_used(*range) == range->length());
    taken += range->length();
  }
}

}  // namespace

TEST_CASE(
    "free space of golden images is the same from the free space tree, the extent tree and the allocator") {
  int images = 0;
  for (const std::string& name : golden_names()) {
    INFO(name);
    const UnpackedImage image = UnpackedImage::golden(name);
    if (image.devices().size() != 1) continue;
    auto file = must(open_file_device(image.devices()[0], {.mode = OpenMode::read_only}));
    auto opened = Filesystem::open(std::move(file), {.read_only = true});
    if (!opened) FAIL(opened.error().message);
    Filesystem& filesystem = **opened;
    images++;
    CHECK(free_space_differences(filesystem) == "");
    CHECK(device_differences(filesystem) == "");
    Allocator& allocator = filesystem.allocator();
    CHECK(allocator.bytes_used() == filesystem.volume().super().bytes_used);
    const SpaceNumbers data = allocator.numbers(SpaceClass::data);
    const uint64_t free = data.total - data.used - data.unusable;
    CHECK(take_all_data(filesystem) == free);
  }
  std::printf("free space compared on %d golden images\n", images);
}

}  // namespace butterfuse::golden_space_test
