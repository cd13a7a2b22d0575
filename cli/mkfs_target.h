// SPDX-License-Identifier: GPL-2.0-or-later
// MkfsTargets: the files and devices that mkfs may overwrite, and what it had to do to them first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/device/window_device.h"

namespace butterfuse {

struct MkfsTargetOptions {
  // Size of each; 0: as they are. Nothing is grown behind a window: who names a part means what is there.
  uint64_t byte_count = 0;
  bool force = false;  // a file system that is there may go
  DeviceWindow window;
  uint32_t lock_wait_ms = OpenOptions{}.lock_wait_ms;  // for another butterfuse that has it open
};

// Image files that are missing or too small are made, or grown, as sparse files. Unless keep() is called the
// destructor takes that back: what mkfs refuses it leaves as it was.
class MkfsTargets {
 public:
  // Looks at all of them before it changes any: ENOTBLK for what is neither file nor device, EBUSY for what
  // is in use, EEXIST for what has something on it.
  static Result<MkfsTargets> prepare(const std::vector<std::string>& paths, const MkfsTargetOptions& options);
  MkfsTargets(MkfsTargets&& other) noexcept : changes_(std::move(other.changes_)) { other.changes_.clear(); }
  MkfsTargets& operator=(MkfsTargets&&) = delete;
  ~MkfsTargets();
  void keep() { changes_.clear(); }

 private:
  struct Change {
    std::string path;
    bool is_new;
    uint64_t old_bytes;
  };
  MkfsTargets() = default;
  Status make_room(const std::string& path, uint64_t bytes);

  std::vector<Change> changes_;
};

}  // namespace butterfuse
