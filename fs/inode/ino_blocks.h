// SPDX-License-Identifier: GPL-2.0-or-later
// InoBlocks: 32-bit inode numbers for blocks of inodes of many subvolumes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/mutex.h"
#include "fs/inode/subvolume.h"

namespace butterfuse {

// The numbers 2^31 to 2^32 - 1, in 2^15 slots of 2^16 numbers. 2^16 neighbouring inodes of a subvolume share
// the slot they get when one of them is first seen, and keep it: numbers never change while the mount lives.
// Which slot follows from the subvolume and the block, unless another one has it: then the next free one. So
// numbers are mostly the same in every mount, too, which nothing may rely on. A quarter of the slots stays
// free, so that searches are short. Takes 768 KiB, if asked for anything. Thread-safe.
class InoBlocks {
 public:
  static constexpr uint64_t kFirst = uint64_t{1} << 31, kEnd = uint64_t{1} << 32;

  // No other key's number. Nothing when no slot is left for it.
  std::optional<uint64_t> number_of(const InodeKey& key);

 private:
  static constexpr int kSlotBits = 15, kBlockBits = 16;
  static constexpr size_t kSlots = size_t{1} << kSlotBits, kMostTaken = kSlots / 4 * 3;
  struct Slot {
    uint64_t root_id = 0, block = 0;  // block: ino >> kBlockBits
    bool taken = false;
  };
  Mutex mutex_;
  std::vector<Slot> slots_ BF_GUARDED_BY(mutex_);  // kSlots of them from the first question on
  size_t taken_ BF_GUARDED_BY(mutex_) = 0;
};

}  // namespace butterfuse
