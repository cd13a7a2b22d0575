// SPDX-License-Identifier: GPL-2.0-or-later
// UndoLog: a file with all bytes that a repair is about to overwrite, and what it writes there, by sums.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/le.h"
#include "core/base/uuid.h"
#include "core/device/memory_device.h"
#include "core/volume/volume.h"

namespace butterfuse::repair {

// What a write may tear a page into.
constexpr size_t kUndoSector = 512;
// The whole of an xxhash64. It tells apart what was written by accident; it is no proof against somebody who
// means to deceive, who could write to the devices anyway.
constexpr size_t kUndoSumBytes = 8;
// Of a whole sector, or of what is left of one at the device's end. Only the first kUndoSumBytes are set.
CsumValue undo_sum(ByteSpan sector);

// Of a device's newest superblock; zeros where none was valid.
struct [[gnu::packed]] LoggedState {
  le64 generation, log_root;
};

struct LoggedDevice {
  uint64_t size = 0;
  Uuid uuid;  // of its DEV_ITEM; null where it had no valid superblock
  LoggedState before, after;
};

struct LoggedPage {
  uint32_t device = 0;
  uint64_t offset = 0;
  ByteSpan old_bytes;  // none where they could not be read
  ByteSpan new_sums;   // kUndoSumBytes for each sector
};

// Saves what the devices hold where the overlays have pages, in the same order, and flushes the file: it is
// whole before this returns. What a device can't read there is left out, with a warning. `errors`: what a
// check found before the repair. EEXIST when there is a file of that name: it may be the only way back.
// No other error leaves a file.
Status write_undo_log(const std::string& path, const std::vector<std::shared_ptr<BlockDevice>>& devices,
                      const std::vector<std::shared_ptr<MemoryDevice>>& overlays, uint64_t errors);

class UndoLog {
 public:
  // EINVAL: something else; EUCLEAN: cut short or damaged.
  static Result<std::unique_ptr<UndoLog>> read(const std::string& path);
  UndoLog(const UndoLog&) = delete;

  const std::string& path() const { return path_; }
  const std::vector<LoggedDevice>& devices() const { return devices_; }
  const std::vector<LoggedPage>& pages() const { return pages_; }
  uint64_t errors() const { return errors_; }

 private:
  UndoLog() = default;
  Status parse();

  std::string path_, text_;
  std::vector<LoggedDevice> devices_;
  std::vector<LoggedPage> pages_;  // their bytes are in text_
  uint64_t errors_ = 0;
};

}  // namespace butterfuse::repair
