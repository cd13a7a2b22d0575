// SPDX-License-Identifier: GPL-2.0-or-later
// RecordingDevice: passes everything on and records which bytes were written when, to build crash states.
#pragma once

#include <map>

#include "core/base/mutex.h"
#include "core/device/block_device.h"

namespace butterfuse {

struct TraceEvent {
  enum class Kind { write, flush, discard, mark };
  Kind kind = Kind::mark;
  WriteKind what = WriteKind::data;  // of writes
  uint32_t device = 0;
  // Both numbers come from one counter of the trace, so operations that overlapped in time can be told: a
  // write is durable when its `completed` is below the `submitted` of a completed flush of its device.
  uint64_t submitted = 0;
  uint64_t completed = 0;  // 0: not done yet
  bool failed = false;
  uint64_t offset = 0;
  uint64_t length = 0;
  std::vector<std::byte> payload;  // of writes
  std::string text;                // of marks, for example "ack fsync(a/b) 1234"
};

// The events of all devices of one file system, in the order of their submission. Thread-safe.
class Trace {
 public:
  uint64_t mark(std::string text);         // returns its `submitted`
  std::vector<TraceEvent> events() const;  // a copy
  size_t size() const;
  void clear();

 private:
  friend class RecordingDevice;
  uint64_t submit(TraceEvent event);  // returns its `submitted`
  void complete(uint64_t submitted, bool failed);

  mutable Mutex mutex_;
  uint64_t next_ BF_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, TraceEvent> events_ BF_GUARDED_BY(mutex_);  // by `submitted`
};

// Thread-safe.
class RecordingDevice final : public BlockDevice {
 public:
  RecordingDevice(std::shared_ptr<BlockDevice> base, std::shared_ptr<Trace> trace, uint32_t device = 0)
      : base_(std::move(base)), trace_(std::move(trace)), device_(device) {}

  uint64_t size_bytes() const override { return base_->size_bytes(); }
  bool read_only() const override { return base_->read_only(); }
  const std::string& path() const override { return base_->path(); }
  Status read(uint64_t offset, MutableByteSpan into) override { return base_->read(offset, into); }
  Status write(uint64_t offset, ByteSpan from, WriteKind kind) override;
  Status write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) override;
  void start_writeback(uint64_t offset, uint64_t length) override { base_->start_writeback(offset, length); }
  Status flush() override;
  void discard(uint64_t offset, uint64_t length) override;

 private:
  const std::shared_ptr<BlockDevice> base_;
  const std::shared_ptr<Trace> trace_;
  const uint32_t device_;
};

}  // namespace butterfuse
