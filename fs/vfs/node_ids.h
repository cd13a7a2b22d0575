// NodeIds: one 64-bit number for each (subvolume, inode) pair, since a FUSE mount has a single st_dev.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/base/mutex.h"
#include "fs/vfs/subvolume.h"

namespace butterfuse {

// The mounted subvolume keeps its plain inode numbers; others get root id << 40 | ino. What does not fit such
// a number gets one from a counter with the top bit set, good while the mount lives. The mount's root
// directory is node 1 (as FUSE wants) and keeps its own st_ino. Thread-safe.
class NodeIds {
 public:
  static constexpr uint64_t kRootNode = 1;
  NodeIds(uint64_t mounted_root_id, uint64_t root_dirid) : root_{mounted_root_id, root_dirid} {}

  uint64_t node_of(const InodeKey& key);  // FUSE node id
  uint64_t ino_of(const InodeKey& key);   // st_ino, d_ino
  std::optional<InodeKey> key_of(uint64_t node) const;

 private:
  static constexpr int kInoBits = 40;
  static constexpr uint64_t kCounted = uint64_t{1} << 63;
  uint64_t counted_id(const InodeKey& key);

  const InodeKey root_;
  mutable Mutex mutex_;
  std::unordered_map<InodeKey, uint64_t, InodeKeyHash> ids_ BF_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, InodeKey> keys_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
