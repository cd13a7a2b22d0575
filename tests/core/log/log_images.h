// SPDX-License-Identifier: GPL-2.0-or-later
// Log images: golden images that need a log replay, as files and as private copies in memory.
#pragma once

#include <catch2/catch.hpp>

#include "core/device/memory_device.h"
#include "core/device/recording_device.h"
#include "core/device/shared_device.h"
#include "core/log/replay.h"
#include "tests/support/golden_manifest.h"
#include "tests/support/mkfs_image.h"
#include "tests/support/test_images.h"

namespace butterfuse::test {

class LogImage {
 public:
  explicit LogImage(const std::string& name)
      : name_(name),
        image_(UnpackedImage::golden(name)),
        file_(must(open_file_device(image_.devices().at(0), {.mode = OpenMode::read_only}))) {}

  // A private copy in memory: nothing that was written to others is in it.
  std::shared_ptr<BlockDevice> fresh() { return std::make_shared<MemoryDevice>(file_); }
  std::unique_ptr<BlockDevice> file() {  // for reading
    return must(open_file_device(image_.devices().at(0), {.mode = OpenMode::read_only}));
  }

  // Differences to the manifest, which shows the state after the replay.
  std::vector<std::string> differences(Filesystem& filesystem) {
    return compare_manifests(load_manifest(name_), walk_manifest(filesystem, objectid::kFsTree));
  }

 private:
  const std::string name_;
  UnpackedImage image_;
  std::shared_ptr<BlockDevice> file_;
};

}  // namespace butterfuse::test
