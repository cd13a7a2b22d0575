// SPDX-License-Identifier: GPL-2.0-or-later
// FileDevice: an image file or a block device of the host as BlockDevice.
#pragma once

#include <atomic>

#include "core/device/block_device.h"

namespace butterfuse {

// Owns the descriptor, and with it the lock on the source: both end with the object (also across fork: the
// lock belongs to the open file description). Thread-safe: once it is open all state is constant, but for
// what is atomic, and claim_fd_. The size is that at open; the file never grows.
//
// An image that somebody makes shorter meanwhile is never written again: the write would make it long again,
// with zeros where the trees were, and would be acknowledged. One that is deleted serves on, with a word in
// the log: what is written to it goes with the last who has it open.
class FileDevice final : public BlockDevice {
 public:
  ~FileDevice() override;
  FileDevice(const FileDevice&) = delete;
  FileDevice& operator=(const FileDevice&) = delete;

  uint64_t size_bytes() const override { return size_bytes_; }
  bool read_only() const override { return read_only_; }
  const std::string& path() const override { return path_; }
  Status read(uint64_t offset, MutableByteSpan into) override;
  Status write(uint64_t offset, ByteSpan from, WriteKind kind) override;
  Status write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) override;
  void start_writeback(uint64_t offset, uint64_t length) override;
  Status flush() override;
  void discard(uint64_t offset, uint64_t length) override;

  bool is_block_device() const { return is_block_device_; }
  // The object's own; what it is open for may be read off it, and it may be opened once more.
  int descriptor() const { return fd_; }
  // Of a block device that is open for writing: gives up our exclusive claim, or takes one that somebody made
  // for us by opening the device with O_EXCL (the descriptor is ours then; ENODEV: it is that of another
  // device). Not thread-safe. For a moment only: whoever else opens the device with O_EXCL meanwhile has it.
  void give_up_claim();
  Status take_claim(int descriptor);

 private:
  friend Result<std::unique_ptr<BlockDevice>> open_file_device(const std::string&, const OpenOptions&);
  FileDevice(std::string path, int fd, bool read_only)
      : path_(std::move(path)), fd_(fd), read_only_(read_only) {}
  Status check_range(const char* what, uint64_t offset, uint64_t length) const;
  Status check_writable(uint64_t offset, uint64_t length);
  Status check_whole();  // that the image is as long as it was

  const std::string path_;
  const int fd_;
  int claim_fd_ = -1;  // of a block device for writing: open with O_EXCL, for reading
  const bool read_only_;
  bool is_block_device_ = false;  // these two are set while opening
  uint64_t size_bytes_ = 0;
  std::atomic<int> flush_error_{0};     // errno of the first failed flush
  std::atomic<bool> shortened_{false};  // found shorter once: whatever it is now, bytes are lost
  std::atomic<bool> deletion_told_{false};
};

}  // namespace butterfuse
