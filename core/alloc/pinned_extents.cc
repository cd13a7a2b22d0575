// SPDX-License-Identifier: GPL-2.0-or-later
// PinnedExtents: from used to free, by way of a commit.
#include "core/alloc/pinned_extents.h"

#include <algorithm>

namespace butterfuse {

void PinnedExtents::pin(uint64_t transid, BlockGroup& group, ByteRange range) {
  group.pool->move(group, &SpaceCounters::used, &SpaceCounters::pinned, range.length());
  std::vector<ByteRange>& pins = pinned_[transid];
  const bool joins = !pins.empty() && pins.back().end == range.start && group.range().contains(pins.back());
  if (joins) {
    pins.back().end = range.end;
  } else {
    pins.push_back(range);
  }
}

void PinnedExtents::add_dying(uint64_t transid, std::shared_ptr<const ChunkMapping> chunk) {
  dying_.push_back({transid, std::move(chunk)});
}

PinnedExtents::Chunks PinnedExtents::release(uint64_t transid) {
  while (!pinned_.empty() && pinned_.begin()->first <= transid) {
    for (const ByteRange& range : pinned_.begin()->second) unpin(range);
    pinned_.erase(pinned_.begin());
  }
  const auto alive = std::stable_partition(dying_.begin(), dying_.end(),
                                           [&](const DyingChunk& dying) { return dying.transid <= transid; });
  Chunks dead;
  for (auto it = dying_.begin(); it != alive; ++it) dead.push_back(it->chunk);
  dying_.erase(dying_.begin(), alive);
  return dead;
}

void PinnedExtents::unpin(ByteRange range) {
  BlockGroup* group = groups_.containing(range);
  if (group == nullptr) return;  // removed in the meantime
  // Extents of a damaged image may overlap: what is not there twice is not free twice.
  uint64_t freed = group->loading == BlockGroup::Loading::damaged ? 0 : range.length();
  if (group->loaded()) freed = group->free_space->set_free(range);
  group->pool->move(*group, &SpaceCounters::pinned, nullptr, freed);
  group->pool->move(*group, &SpaceCounters::pinned, &SpaceCounters::unusable, range.length() - freed);
}

void PinnedExtents::take_out_of(FreeSpace& space) const {
  for (const auto& [transid, ranges] : pinned_) {
    for (const ByteRange& range : ranges)
      if (space.range().contains(range)) space.set_used(range);
  }
}

std::vector<ByteRange> PinnedExtents::ranges_until(uint64_t transid) const {
  std::vector<ByteRange> ranges;
  for (const auto& [pinned_by, pins] : pinned_) {
    if (pinned_by > transid) break;
    for (const ByteRange& range : pins)
      if (groups_.containing(range) != nullptr) ranges.push_back(range);
  }
  for (const DyingChunk& dying : dying_) {
    if (dying.transid <= transid) ranges.push_back(ByteRange::at(dying.chunk->start, dying.chunk->length));
  }
  return ranges;
}

uint64_t PinnedExtents::dying_device_bytes() const {
  uint64_t bytes = 0;
  for (const DyingChunk& dying : dying_) bytes += dying.chunk->device_bytes();
  return bytes;
}

}  // namespace butterfuse
