// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryDevice: a sparse device in memory, empty or a private copy-on-write overlay of another device.
#pragma once

#include <functional>
#include <unordered_map>

#include "core/base/mutex.h"
#include "core/device/block_device.h"

namespace butterfuse {

// Thread-safe. Writes stay in memory and are gone with the object; the base is only read. Uses memory for the
// 4 KiB pages that were written.
class MemoryDevice final : public BlockDevice {
 public:
  explicit MemoryDevice(uint64_t size_bytes) : size_bytes_(size_bytes), path_("memory") {}
  explicit MemoryDevice(std::shared_ptr<BlockDevice> base)
      : base_(std::move(base)), size_bytes_(base_->size_bytes()), path_(base_->path()) {}

  uint64_t size_bytes() const override { return size_bytes_; }
  bool read_only() const override { return false; }
  const std::string& path() const override { return path_; }
  Status read(uint64_t offset, MutableByteSpan into) override;
  Status write(uint64_t offset, ByteSpan from, WriteKind kind) override;
  Status flush() override { return {}; }

  uint64_t bytes_in_memory() const;
  // What was written: pages of 4 KiB in order, cut at the device's end. `visit` must not use the device.
  Status for_each_page(const std::function<Status(uint64_t offset, ByteSpan page)>& visit) const;

 private:
  static constexpr uint64_t kPageBytes = 4096;
  Status check_range(const char* what, uint64_t offset, uint64_t length) const;
  Status load_base(uint64_t page_start, MutableByteSpan into) const;

  const std::shared_ptr<BlockDevice> base_;  // null: reads as zero
  const uint64_t size_bytes_;
  const std::string path_;  // of the base
  mutable SharedMutex mutex_;
  std::unordered_map<uint64_t, std::vector<std::byte>> pages_ BF_GUARDED_BY(mutex_);  // by page number
};

}  // namespace butterfuse
