// SPDX-License-Identifier: GPL-2.0-or-later
// Tree: a named root with its lock. The unit of locking of all metadata.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/base/mutex.h"
#include "core/btree/cow_context.h"
#include "core/btree/tree_block.h"

namespace butterfuse {

struct TreeRootPointer {
  uint64_t bytenr = 0;
  uint64_t generation = 0;
  int level = 0;
  friend bool operator==(const TreeRootPointer&, const TreeRootPointer&) = default;
};

// Lock order: a thread holds the lock of at most one fs/csum/uuid/root tree at a time, and may then take
// extent, free space, block group, dev or chunk tree locks (in this order) - never the other way. Readers
// share, a writer excludes.
class Tree {
 public:
  Tree(TreeBlockCache& cache, uint64_t root_id, TreeRootPointer root, uint64_t last_snapshot = 0)
      : cache_(cache), id_(root_id), root_(root), last_snapshot_(last_snapshot) {}
  Tree(const Tree&) = delete;

  uint64_t id() const { return id_; }
  TreeBlockCache& cache() { return cache_; }
  SharedMutex& mutex() { return mutex_; }
  // Blocks of this tree of a generation <= last_snapshot may be shared with snapshots
  // (root_item.last_snapshot). It may be the running transid: blocks born before the snapshot was taken are
  // then not changed in place.
  uint64_t last_snapshot() const { return last_snapshot_; }
  void set_last_snapshot(uint64_t generation) { last_snapshot_ = generation; }
  // Trees that can share blocks (fs trees, and not extent/chunk/... trees).
  bool shareable() const;

  // REQUIRES mutex() held, shared for the first, exclusive for the second; or a quiescent file system.
  TreeRootPointer root() const { return root_; }
  void set_root(TreeRootPointer root) { root_ = root; }

 private:
  TreeBlockCache& cache_;
  const uint64_t id_;
  SharedMutex mutex_;
  TreeRootPointer root_;
  std::atomic<uint64_t> last_snapshot_;
};

}  // namespace butterfuse
