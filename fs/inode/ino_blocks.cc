// SPDX-License-Identifier: GPL-2.0-or-later
// InoBlocks: an open hash table whose places are the numbers.
#include "fs/inode/ino_blocks.h"

namespace butterfuse {
namespace {

// Subvolumes have consecutive ids: their first blocks never meet. Odd, so that the blocks of one subvolume go
// through all slots before one comes again.
constexpr uint64_t kBlockStep = 0x2545;

}  // namespace

// Ends: a quarter of the slots is free. Nothing is ever taken out, so the first free slot of a search proves
// that the block is in none behind it.
std::optional<uint64_t> InoBlocks::number_of(const InodeKey& key) {
  const uint64_t block = key.ino >> kBlockBits;
  const uint64_t wanted = key.root_id + block * kBlockStep;
  MutexLock lock(mutex_);
  slots_.resize(kSlots);
  uint64_t place = wanted % kSlots;
  while (slots_[place].taken && (slots_[place].root_id != key.root_id || slots_[place].block != block))
    place = (place + 1) % kSlots;
  if (!slots_[place].taken) {
    if (taken_ == kMostTaken) return std::nullopt;
    slots_[place] = {key.root_id, block, true};
    ++taken_;
  }
  return kFirst + (place << kBlockBits) + (key.ino & ((uint64_t{1} << kBlockBits) - 1));
}

}  // namespace butterfuse
