// SPDX-License-Identifier: GPL-2.0-or-later
// BlockSpace: gaps between used ranges, block by block, in the order of their bytenrs.
//
// Three kinds of place are kept free of new blocks: extents that the forest uses, mirrors of the superblock
// (they lie in chunks and belong to no extent), and, as long as there is other room, the blocks of the
// damaged trees. The old superblock leads to those last ones: while they are whole, a repair that is cut
// short before its superblock is out leaves what was there.
#include "core/repair/block_space.h"

#include <algorithm>

#include "core/volume/super_mirrors.h"

namespace butterfuse::repair {
namespace {

// Not the chunks of a seed, and none whose devices are missing.
bool is_written_to(const ChunkMapping& chunk) {
  return std::ranges::all_of(chunk.stripes, [](const ChunkStripe& stripe) {
    return stripe.device != nullptr && stripe.device->writable();
  });
}

}  // namespace

BlockSpace::BlockSpace(Volume& volume, const ExtentMap& used, const std::vector<uint64_t>& left_blocks)
    : volume_(volume) {
  for (const auto& [bytenr, extent] : used) used_.add(ByteRange::at(bytenr, extent.length));
  for (const auto& chunk : volume.chunks())
    for (const ByteRange mirror : super_mirrors_in(*chunk)) used_.add(mirror);
  for (const uint64_t bytenr : left_blocks) left_.add(ByteRange::at(bytenr, volume.nodesize()));
}

bool BlockSpace::find(size_t count, uint64_t type, const RangeSet& used, std::vector<uint64_t>& found) const {
  const uint64_t nodesize = volume_.nodesize();
  for (const auto& chunk : volume_.chunks()) {
    if (!(chunk->type & type) || !is_written_to(*chunk)) continue;
    for (const ByteRange gap : used.gaps(ByteRange::at(chunk->start, chunk->length))) {
      for (uint64_t at = round_up(gap.start, nodesize); at + nodesize <= gap.end; at += nodesize) {
        if (found.size() == count) return true;
        found.push_back(at);
      }
    }
  }
  return found.size() == count;
}

// All or nothing: what was found counts as used only when there is enough of it.
Result<std::vector<uint64_t>> BlockSpace::take(size_t count, uint64_t type) {
  RangeSet spared = used_;
  for (const ByteRange range : left_.ranges()) spared.add(range);
  std::vector<uint64_t> found;
  if (!find(count, type, spared, found)) {
    found.clear();
    if (!find(count, type, used_, found))
      return make_error(ENOSPC, "no room for {} tree blocks in chunks of type {:#x}: {} are free", count,
                        type, found.size());
  }
  for (const uint64_t bytenr : found) used_.add(ByteRange::at(bytenr, volume_.nodesize()));
  return found;
}

}  // namespace butterfuse::repair
