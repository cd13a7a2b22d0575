// SPDX-License-Identifier: GPL-2.0-or-later
// SharedDevice: a device that its file system owns and somebody else keeps.
#pragma once

#include "core/device/block_device.h"

namespace butterfuse {

// Thread-safe as its base is.
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
  void discard(uint64_t offset, uint64_t length) override { base_->discard(offset, length); }

 private:
  const std::shared_ptr<BlockDevice> base_;
};

}  // namespace butterfuse
