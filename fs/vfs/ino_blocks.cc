// InoBlocks: an open hash table whose places are the numbers.
#include "fs/vfs/ino_blocks.h"

namespace butterfuse {
namespace {

// Subvolumes have consecutive ids: their first blocks never meet.
constexpr uint64_t kBlockStep = 0x2545;

}  // namespace

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
