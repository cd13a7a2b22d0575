// SPDX-License-Identifier: GPL-2.0-or-later
// FaultDevice: passes everything on until the operation that a test wants to see fail.
#pragma once

#include <map>
#include <optional>

#include "core/base/mutex.h"
#include "core/device/block_device.h"

namespace butterfuse {

enum class FaultOperation { read, write, flush };
enum class FaultManner {
  clean,     // an error, and nothing was done
  partial,   // an error, and half of the first such write has reached the disk
  bit_flip,  // no error, but one bit of what was read is wrong
};

// Thread-safe. Operations are counted from 1, each kind by itself; one write_gather() counts as one write.
class FaultDevice final : public BlockDevice {
 public:
  explicit FaultDevice(std::shared_ptr<BlockDevice> base) : base_(std::move(base)), path_(base_->path()) {}

  // The `nth` operation from now on fails with `code`; with `forever`, so do all behind it.
  void fail_nth(FaultOperation operation, uint64_t nth, int code, bool forever = false,
                FaultManner manner = FaultManner::clean);
  // Power cut: after `writes` more writes nothing reaches the base, and every operation fails with EIO. For
  // ever: a machine that is back is another FaultDevice over the same base.
  void cut_power_after(uint64_t writes);
  bool power_is_cut() const;
  uint64_t count(FaultOperation operation) const;  // since construction
  uint64_t faults() const;                         // operations failed so far

  uint64_t size_bytes() const override { return base_->size_bytes(); }
  bool read_only() const override { return base_->read_only(); }
  const std::string& path() const override { return path_; }
  Status read(uint64_t offset, MutableByteSpan into) override;
  Status write(uint64_t offset, ByteSpan from, WriteKind kind) override;
  Status write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) override;
  void start_writeback(uint64_t offset, uint64_t length) override { base_->start_writeback(offset, length); }
  Status flush() override;
  void discard(uint64_t offset, uint64_t length) override;

 private:
  struct Plan {
    uint64_t at = 0;  // the count at which the operation fails
    int code = 0;
    bool forever = false;
    FaultManner manner = FaultManner::clean;
  };
  struct Admission {
    Status status;
    FaultManner manner = FaultManner::clean;  // of an error that was asked for
  };
  Admission admit(FaultOperation operation);

  const std::shared_ptr<BlockDevice> base_;
  const std::string path_;
  mutable Mutex mutex_;
  std::map<FaultOperation, uint64_t> counts_ BF_GUARDED_BY(mutex_);
  std::map<FaultOperation, Plan> plans_ BF_GUARDED_BY(mutex_);
  std::optional<uint64_t> last_write_ BF_GUARDED_BY(mutex_);  // count of the last write before the power cut
  bool power_is_cut_ BF_GUARDED_BY(mutex_) = false;
  uint64_t faults_ BF_GUARDED_BY(mutex_) = 0;
};

}  // namespace butterfuse
