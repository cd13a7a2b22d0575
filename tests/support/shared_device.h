// SharedDevice: a device that its file system owns and a test keeps.
#pragma once

#include "core/device/block_device.h"

// Thread-safe as its base is.
class SharedDevice final : public butterfuse::BlockDevice {
 public:
  explicit SharedDevice(std::shared_ptr<butterfuse::BlockDevice> base) : base_(std::move(base)) {}
  uint64_t size_bytes() const override { return base_->size_bytes(); }
  bool read_only() const override { return base_->read_only(); }
  const std::string& path() const override { return base_->path(); }
  butterfuse::Status read(uint64_t offset, butterfuse::MutableByteSpan into) override {
    return base_->read(offset, into);
  }
  butterfuse::Status write(uint64_t offset, butterfuse::ByteSpan from, butterfuse::WriteKind kind) override {
    return base_->write(offset, from, kind);
  }
  butterfuse::Status flush() override { return base_->flush(); }

 private:
  const std::shared_ptr<butterfuse::BlockDevice> base_;
};
