// SPDX-License-Identifier: GPL-2.0-or-later
// Hostile images: walking and reading everything ends in values or errors, in bounded time.
#include <catch2/catch.hpp>
#include <chrono>

#include "core/device/block_device.h"
#include "core/items/root_ref.h"
#include "tests/support/golden_manifest.h"
#include "tests/support/test_images.h"

namespace butterfuse::hostile_images_test {
namespace {

constexpr double kSecondsMax = 10;  // an image: only a walk that does not end takes as long

Result<std::unique_ptr<Filesystem>> open_read_only(const std::string& image) {
  BF_ASSIGN(auto device, open_file_device(image, {.mode = OpenMode::read_only}));
  return Filesystem::open(std::move(device), {.read_only = true});
}

void walk_all(const std::string& image) {
  auto filesystem = open_read_only(image);
  if (!filesystem) {
    CHECK(filesystem.error().message != "");
    return;
  }
  (void)walk_manifest(**filesystem, objectid::kFsTree);
  if (const auto links = list_subvolumes(**filesystem))
    for (const SubvolumeLink& link : *links) (void)walk_manifest(**filesystem, link.root_id);
}

}  // namespace

TEST_CASE("reading all of a hostile image ends in values or errors") {
  for (const char* folder : {"fuzz", "fsck", "thirdparty"}) {
    for (const std::string& name : corpus_names(folder)) {
      INFO(name);
      const UnpackedImage image = UnpackedImage::corpus(name);
      const auto begin = std::chrono::steady_clock::now();
      for (const std::string& device : image.devices()) walk_all(device);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      CHECK(seconds.count() < kSecondsMax);
    }
  }
}

}  // namespace butterfuse::hostile_images_test
