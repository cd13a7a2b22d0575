// Log images: golden images that need a log replay, on a device in memory that records what is written.
#pragma once

#include <catch2/catch.hpp>

#include "core/device/memory_device.h"
#include "core/device/recording_device.h"
#include "core/log/replay.h"
#include "tests/support/golden_manifest.h"
#include "tests/support/mkfs_image.h"
#include "tests/support/test_images.h"

namespace butterfuse::test {

// A BlockDevice that shares its base.
class SharedDevice final : public BlockDevice {
 public:
  explicit SharedDevice(std::shared_ptr<BlockDevice> base) : base_(std::move(base)) {}
  uint64_t size_bytes() const override { return base_->size_bytes(); }
  bool read_only() const override { return base_->read_only(); }
  const std::string& path() const override { return base_->path(); }
  Status read(uint64_t offset, MutableByteSpan into) override { return base_->read(offset, into); }
  Status write(uint64_t offset, ByteSpan from, WriteKind kind) override {
    return base_->write(offset, from, kind);
  }
  Status flush() override { return base_->flush(); }

 private:
  std::shared_ptr<BlockDevice> base_;
};

class LogImage {
 public:
  explicit LogImage(const std::string& name)
      : name_(name),
        image_(UnpackedImage::golden(name)),
        file_(must(open_file_device(image_.devices().at(0), {.mode = OpenMode::read_only}))) {}

  // A private copy of the image; forgets what was written before.
  std::shared_ptr<BlockDevice> fresh() { return std::make_shared<MemoryDevice>(file_); }
  std::unique_ptr<BlockDevice> file() {
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
