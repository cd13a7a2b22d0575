// SPDX-License-Identifier: GPL-2.0-or-later
// Damaged images: writing to them may fail, but never crashes, hangs or asserts.
#include <catch2/catch.hpp>
#include <chrono>

#include "core/device/memory_device.h"
#include "tests/core/transaction/file_workload.h"
#include "tests/support/test_images.h"

namespace butterfuse::hostile_test {
namespace {

// The image stays as it is: writes go to memory.
std::unique_ptr<BlockDevice> overlay(const std::string& path) {
  auto device = open_file_device(path, {.mode = OpenMode::read_only});
  if (!device) return nullptr;
  return std::make_unique<MemoryDevice>(std::shared_ptr<BlockDevice>(std::move(*device)));
}

// How far it got.
std::string write_to(const std::string& path) {
  auto device = overlay(path);
  if (!device) return "no device";
  auto opened = Filesystem::open(std::move(device), {.commit_interval_s = 0});
  if (!opened) return opened.error().message;
  Filesystem& filesystem = **opened;
  std::string outcome = "written";
  try {
    FileWorkload workload(filesystem, *must(filesystem.subvolume(objectid::kFsTree)), 1);
    for (int round = 0; round < 3; ++round) {
      workload.steps(15);
      must(filesystem.commit());
    }
  } catch (const std::exception& error) {
    outcome = error.what();
  }
  if (Status closed = filesystem.close(); !closed && outcome == "written") outcome = closed.error().message;
  return outcome;
}

}  // namespace

TEST_CASE("writing to damaged images ends in success or an error within ten seconds") {
  if (corpus_dir().empty()) return;
  int written = 0, refused = 0;
  for (const char* folder : {"fuzz", "fsck", "thirdparty"}) {
    for (const std::string& name : corpus_names(folder)) {
      INFO(name);
      const UnpackedImage image = UnpackedImage::corpus(name);
      if (image.devices().empty()) continue;
      const auto start = std::chrono::steady_clock::now();
      const std::string outcome = write_to(image.devices().front());
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
      (outcome == "written" ? written : refused) += 1;
      UNSCOPED_INFO(outcome);
    }
  }
  CHECK(written > 0);
  CHECK(refused > 0);
}

}  // namespace butterfuse::hostile_test
