// SPDX-License-Identifier: GPL-2.0-or-later
// BlockDevice: the one door to storage; tests wrap it to record, cut and fail.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace butterfuse {

enum class WriteKind { data, metadata, super };  // what the bytes are; recorded in traces

// Thread-safe: calls may overlap. Offsets and lengths are in bytes. Short reads and writes are errors (EIO).
class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  virtual uint64_t size_bytes() const = 0;
  virtual bool read_only() const = 0;
  virtual const std::string& path() const = 0;
  // EIO: also outside of [0, size_bytes()). After an error the content of `into` is undefined.
  virtual Status read(uint64_t offset, MutableByteSpan into) = 0;
  // After an error any part of it may be on the device. Not durable before the next flush().
  virtual Status write(uint64_t offset, ByteSpan from, WriteKind kind) = 0;
  // The pieces lie on disk one behind the other from `offset`. Default: one write() each.
  virtual Status write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind);
  // Asks the kernel to start writing the range out; a hint, never waits, errors ignored.
  virtual void start_writeback(uint64_t offset, uint64_t length) { (void)offset, (void)length; }
  // Everything written before is on stable storage when this returns without error.
  virtual Status flush() = 0;
  // The content of the range is not needed any more. A hint.
  virtual void discard(uint64_t offset, uint64_t length) { (void)offset, (void)length; }
};

enum class OpenMode { read_only, read_write };

struct OpenOptions {
  OpenMode mode = OpenMode::read_write;
  // How long to wait for another process that has the source open; 0: fail at once with EBUSY. A daemon that
  // is unmounted writes out what is dirty first, for which ten seconds are mostly enough.
  uint32_t lock_wait_ms = 10'000;
  // OFD lock, shared when read-only; a block device for writing is opened with O_EXCL besides.
  bool lock = true;
  uint64_t lock_offset = 0, lock_bytes = 0;  // the part that has the OFD lock; 0 bytes: to its end
};

// An image file or a block device. EBUSY names the path when it is in use by another process (an OFD lock has
// no pid). A device opened read-only never writes: write() is EROFS, discard() does nothing. After a failed
// flush() every later one fails too, since the kernel reports lost writes once only.
Result<std::unique_ptr<BlockDevice>> open_file_device(const std::string& path, const OpenOptions& options);

}  // namespace butterfuse
