// SPDX-License-Identifier: GPL-2.0-or-later
// VerifiedBlocks: a list in order of use, and an index.
#include "core/verity/verified_blocks.h"

namespace butterfuse {

// Shared: who reads a block keeps it, also when it is pushed out meanwhile.
VerifiedBlocks::Block VerifiedBlocks::find(const Name& name) {
  MutexLock lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->block;
}

void VerifiedBlocks::add(const Name& name, Block block) {
  MutexLock lock(mutex_);
  if (by_name_.contains(name)) return;
  bytes_ += block->size();
  entries_.push_front({name, std::move(block)});
  by_name_[name] = entries_.begin();
  while (bytes_ > budget_bytes_ && entries_.size() > 1) {
    bytes_ -= entries_.back().block->size();
    by_name_.erase(entries_.back().name);
    entries_.pop_back();
  }
}

size_t VerifiedBlocks::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

}  // namespace butterfuse
