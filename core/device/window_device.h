// SPDX-License-Identifier: GPL-2.0-or-later
// WindowDevice: a part of another device as a device of its own: a partition, or what offset and size say.
#pragma once

#include "core/device/block_device.h"

namespace butterfuse {

// Which part of a source is meant; all zero: the whole.
struct DeviceWindow {
  uint64_t offset = 0;     // bytes
  uint64_t bytes = 0;      // 0: to the end of the source
  uint32_t partition = 0;  // number in its partition table, instead of the other two
  bool operator==(const DeviceWindow&) const = default;
  bool whole() const { return offset == 0 && bytes == 0 && partition == 0; }
};

// Thread-safe. REQUIRES: [offset, offset + bytes) is inside of the base. Owns the base, and has its path.
class WindowDevice final : public BlockDevice {
 public:
  WindowDevice(std::unique_ptr<BlockDevice> base, uint64_t offset, uint64_t bytes)
      : base_(std::move(base)), offset_(offset), bytes_(bytes) {}

  uint64_t size_bytes() const override { return bytes_; }
  bool read_only() const override { return base_->read_only(); }
  const std::string& path() const override { return base_->path(); }
  Status read(uint64_t offset, MutableByteSpan into) override;
  Status write(uint64_t offset, ByteSpan from, WriteKind kind) override;
  Status write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) override;
  void start_writeback(uint64_t offset, uint64_t length) override;
  Status flush() override { return base_->flush(); }
  void discard(uint64_t offset, uint64_t length) override;

 private:
  bool inside(uint64_t offset, uint64_t length) const {
    return offset <= bytes_ && length <= bytes_ - offset;
  }
  Status check_range(const char* what, uint64_t offset, uint64_t length) const;

  const std::unique_ptr<BlockDevice> base_;
  const uint64_t offset_, bytes_;
};

// As open_file_device; of an image file only the window is locked, so that others can use other partitions.
// EINVAL when the window is not inside of the source, or there is no such partition: the message names those
// that are there.
Result<std::unique_ptr<BlockDevice>> open_window(const std::string& path, OpenOptions options,
                                                 const DeviceWindow& window);

}  // namespace butterfuse
