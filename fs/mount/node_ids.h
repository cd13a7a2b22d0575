// SPDX-License-Identifier: GPL-2.0-or-later
// NodeIds: one 64-bit number for each (subvolume, inode) pair, since a FUSE mount has a single st_dev.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/base/mutex.h"
#include "fs/inode/ino_blocks.h"
#include "fs/inode/subvolume.h"

namespace butterfuse {

// Node ids, which file handles of NFS servers hold, follow from the pair, whichever subvolume is mounted:
// of the top level they are the plain inode numbers, of others root id << 40 | ino. What does not fit
// such a number gets one from a counter with the top bit set, good while the mount lives; it begins with
// the time of the mount, so that none is another file's in a later one. The mount's root directory is
// node 1, as FUSE wants.
//
// What programs see is to fit 32 bits where it can, as stat(2) of 32-bit programs fails otherwise: the
// mounted subvolume keeps its plain numbers below 2^31, everything else has the upper half (InoBlocks); what
// finds no place there shows a number of 64 bits, as its node has. Thread-safe.
class NodeIds {
 public:
  static constexpr uint64_t kRootNode = 1;
  NodeIds(uint64_t mounted_root_id, uint64_t root_dirid, uint64_t mounted_at_ns = 0)
      : root_{mounted_root_id, root_dirid}, first_counted_(kCounted | mounted_at_ns % (kCounted / 2)) {}

  uint64_t node_of(const InodeKey& key);  // FUSE node id
  uint64_t ino_of(const InodeKey& key);   // st_ino, d_ino: the same for a key each time, no other key's
  std::optional<InodeKey> key_of(uint64_t node) const;  // nothing for what node_of never says

 private:
  // 2^40 inodes, and 2^23 subvolumes beside the counter's bit. Both count up from the highest there is: a new
  // file each millisecond gets there in 34 years.
  static constexpr int kInoBits = 40;
  static constexpr uint64_t kCounted = uint64_t{1} << 63;
  // With the root id in it, or counted: from 2^40 on.
  uint64_t wide_id(const InodeKey& key);
  uint64_t counted_id(const InodeKey& key);

  const InodeKey root_;
  const uint64_t first_counted_;
  InoBlocks blocks_;
  mutable Mutex mutex_;
  std::unordered_map<InodeKey, uint64_t, InodeKeyHash> ids_ BF_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, InodeKey> keys_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
