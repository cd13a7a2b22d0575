// SPDX-License-Identifier: GPL-2.0-or-later
// Subvolume: one file tree of the mount, and its next inode number.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/btree/tree.h"

namespace butterfuse {

// Made on first use and kept until the unmount: inodes refer to it. Constant, but for the two atomics.
struct Subvolume {
  uint64_t root_id = 0;
  Tree* tree = nullptr;  // null: the home of placeholders, see kPlaceholderRoot
  uint64_t root_dirid = 0;
  bool read_only = false;
  // Behind the highest there was when it was opened; a number is given once while the mount lives.
  // A read-only mount gives none.
  std::atomic<uint64_t> next_ino{0};
  std::atomic<bool> orphans_cleaned{false};
};

// Root id of no tree. Its "inodes" are the empty directories that stand where a snapshot holds the entry of a
// subvolume that is nested in its original (the kernel shows those as empty directories, inode 2).
constexpr uint64_t kPlaceholderRoot = 0;

struct InodeKey {
  uint64_t root_id = 0;
  uint64_t ino = 0;
  friend auto operator<=>(const InodeKey&, const InodeKey&) = default;
};
// Keys are small numbers next to each other, and InodeTable takes the low bits for its shard: multiplied by
// odd numbers of many bits, with the upper half, where they mix best, folded down.
struct InodeKeyHash {
  size_t operator()(const InodeKey& key) const {
    uint64_t mixed = (key.ino + key.root_id * 0x9E3779B97F4A7C15ull) * 0xD6E8FEB86659FD93ull;
    return mixed ^ (mixed >> 32);
  }
};

}  // namespace butterfuse
