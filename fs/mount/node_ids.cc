// SPDX-License-Identifier: GPL-2.0-or-later
// NodeIds: the arithmetic of node numbers.
//
//        bit 63   62 ..... 40   39 ......... 0
//      |    0   |      0      |     inode     |    of the top level: the plain inode number
//      |    0   |   root id   |     inode     |    of other subvolumes
//      |    1   |           counter           |    what does not fit, and placeholders
//      |    0   |             0           1   |    the root of the mount, whatever its key is
//
// Backwards it is arithmetic but for the last two kinds. A number that node_of() never says leads nowhere: a
// handle from elsewhere must not lead to an inode by a second number, of which the kernel would know nothing.
#include "fs/mount/node_ids.h"

namespace butterfuse {

uint64_t NodeIds::counted_id(const InodeKey& key) {
  MutexLock lock(mutex_);
  auto [slot, fresh] = ids_.try_emplace(key, first_counted_ + ids_.size());
  if (fresh) keys_.emplace(slot->second, key);
  return slot->second;
}

uint64_t NodeIds::wide_id(const InodeKey& key) {
  const bool fits = key.ino >> kInoBits == 0 && key.root_id >> (63 - kInoBits) == 0;
  return fits && key.root_id != kPlaceholderRoot ? key.root_id << kInoBits | key.ino : counted_id(key);
}

uint64_t NodeIds::node_of(const InodeKey& key) {
  if (key == root_) return kRootNode;
  return key.root_id == objectid::kFsTree && key.ino >> kInoBits == 0 ? key.ino : wide_id(key);
}

uint64_t NodeIds::ino_of(const InodeKey& key) {
  if (key.root_id == root_.root_id && key.ino < InoBlocks::kFirst) return key.ino;
  const auto narrow = blocks_.number_of(key);
  return narrow ? *narrow : wide_id(key);
}

std::optional<InodeKey> NodeIds::key_of(uint64_t node) const {
  if (node == kRootNode) return root_;
  if (node & kCounted) {
    MutexLock lock(mutex_);
    auto slot = keys_.find(node);
    if (slot == keys_.end()) return std::nullopt;
    return slot->second;
  }
  const uint64_t root_id = node >> kInoBits;
  if (root_id == objectid::kFsTree) return std::nullopt;
  const InodeKey key{root_id == 0 ? objectid::kFsTree : root_id, node & ((uint64_t{1} << kInoBits) - 1)};
  return key == root_ ? std::nullopt : std::optional(key);
}

}  // namespace butterfuse
