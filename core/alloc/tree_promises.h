// SPDX-License-Identifier: GPL-2.0-or-later
// TreePromises: what the trees of files may still copy, tree by tree.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "core/base/mutex.h"

namespace butterfuse {

// The worst case of a metadata promise is some tree blocks; of all promises together it is less, for a tree
// copies each of its blocks once a transaction. That holds for each tree by itself: a block that snapshots
// share is copied once for every tree that changes it, and its copy adds a reference for everything it points
// to. So promises and dirty inodes are counted by tree. promises.cc says what the numbers are for.
//
// Thread-safe; a leaf lock. All sizes are bytes.
class TreePromises {
 public:
  explicit TreePromises(uint32_t nodesize = 16384) : nodesize_(nodesize) {}
  void set_nodesize(uint32_t nodesize) { nodesize_ = nodesize; }  // REQUIRES that nobody uses it yet

  // Trees become known when they are opened. `bytes`: of all its blocks, as its ROOT_ITEM has it. `shared`:
  // it has had a snapshot, or is one: blocks may belong to other trees as well.
  void know(uint64_t root, uint64_t bytes, bool shared);
  // A block was made (positive) or has left the tree. The tree's ROOT_ITEM will change with this transaction.
  void add_bytes(uint64_t root, int64_t bytes);
  void end_transaction();

  // Promises of this one are so many new blocks, which nobody copies (a log).
  void know_as_blocks(uint64_t root);
  // Of a tree that nobody made known (or 0: any), promises count as if no two were for the same block, and
  // where any tree shares blocks, as if each were for a shared one.
  void promise(uint64_t root, uint64_t bytes);
  void give_back(uint64_t root, uint64_t bytes);
  // Inodes whose items the commit will write, each to a leaf that this transaction has not copied.
  // Negative: they are written.
  void add_inodes(uint64_t root, int64_t inodes);

  // The worst case of all of these together.
  struct Need {
    uint64_t copies = 0;       // new blocks of the trees themselves
    uint64_t shared = 0;       // of these, how many bytes could be copies of blocks that others keep
    uint64_t growth = 0;       // of the copies: what new items can add to trees
    uint64_t dirty_roots = 0;  // ROOT_ITEMs to write
  };
  // commit: only what it will do without a promise; promises: only those.
  enum class Of { everything, commit, promises };
  // With a further promise of `extra` for `root`.
  Need need(Of of, uint64_t root = 0, uint64_t extra = 0) const;

  uint64_t promised() const;  // the sum of all promises
  uint64_t inodes() const;    // of all trees
  bool any_shared() const;    // a known tree shares blocks

 private:
  struct Account {
    bool known = false;
    bool shared = false;
    bool plain_blocks = false;
    bool dirty = false;  // changed in this transaction
    int64_t bytes = 0;   // of its blocks
    uint64_t promised = 0;
    int64_t inodes = 0;
    bool active() const { return promised != 0 || inodes != 0; }
  };
  Account& account(uint64_t root) BF_REQUIRES(mutex_);
  void note_active(uint64_t root, Account& tree) BF_REQUIRES(mutex_);
  void drop_if_idle(uint64_t root, const Account& tree) BF_REQUIRES(mutex_);
  void add_need(const Account& tree, Of of, uint64_t extra, Need& sum) const BF_REQUIRES(mutex_);

  uint32_t nodesize_;
  mutable Mutex mutex_;
  std::unordered_map<uint64_t, Account> trees_ BF_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, Account*> active_ BF_GUARDED_BY(mutex_);  // of trees_, which keeps its places
  uint64_t promised_ BF_GUARDED_BY(mutex_) = 0;
  int64_t inodes_ BF_GUARDED_BY(mutex_) = 0;
  uint64_t dirty_ BF_GUARDED_BY(mutex_) = 0;  // trees
  bool any_shared_ BF_GUARDED_BY(mutex_) = false;
};

// Of one item: its leaf and the node above copied, the leaf split, and one more: see promises.cc.
constexpr uint64_t kBlocksPerItem = 4;

}  // namespace butterfuse
