// Sizes the first chunks as mkfs.btrfs does and hands out blocks from their beginnings.
#include "core/mkfs/layout.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/ondisk/constants.h"

namespace butterfuse {
namespace {

constexpr uint64_t kMiB = 1 << 20, kGiB = 1 << 30;
constexpr uint64_t kSystemBytes = 8 * kMiB, kDataBytes = 8 * kMiB;

int copies_of(MkfsProfile profile) { return profile == MkfsProfile::dup ? 2 : 1; }

// A tenth of the device for all copies, within bounds: at least 8 MiB (DUP 32 MiB), and at most 256 MiB on
// devices of up to 50 GiB, 1 GiB above.
uint64_t metadata_chunk_bytes(uint64_t total_bytes, MkfsProfile profile) {
  const uint64_t most = total_bytes > 50 * kGiB ? kGiB : 256 * kMiB;
  const uint64_t tenth = total_bytes / 10 / static_cast<uint64_t>(copies_of(profile));
  const uint64_t least = profile == MkfsProfile::dup ? 32 * kMiB : 8 * kMiB;
  return std::clamp(round_down(tenth, kMiB), least, most);
}

bool touches_super_mirror(ByteRange physical) {
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror)
    if (physical.overlaps(ByteRange::at(super_mirror_offset(mirror), kStripeLen))) return true;
  return false;
}

bool any_copy_touches_super_mirror(const PlannedChunk& chunk, ByteRange logical) {
  return std::ranges::any_of(chunk.physical, [&](uint64_t physical) {
    return touches_super_mirror(ByteRange::at(physical + (logical.start - chunk.start), logical.length()));
  });
}

}  // namespace

uint64_t PlannedChunk::used_bytes() const {
  uint64_t bytes = 0;
  for (const ByteRange& range : taken) bytes += range.length();
  return bytes;
}

std::vector<ByteRange> PlannedChunk::free_ranges() const {
  std::vector<ByteRange> free;
  uint64_t position = start;
  for (const ByteRange& range : taken) {
    if (range.start > position) free.push_back({position, range.start});
    position = range.end;
  }
  if (position < start + length) free.push_back({position, start + length});
  return free;
}

Layout::Layout(const MkfsOptions& options, uint64_t total_bytes) {
  add_chunk(bg::kSystem, options.metadata, kSystemBytes);
  add_chunk(bg::kData, options.data, kDataBytes);
  add_chunk(bg::kMetadata, options.metadata, metadata_chunk_bytes(total_bytes, options.metadata));
  BF_ASSERT(device_end_ <= total_bytes, "chunks end at {} of {}", device_end_, total_bytes);
}

void Layout::add_chunk(uint64_t type, MkfsProfile profile, uint64_t length) {
  PlannedChunk chunk;
  chunk.start = logical_end_;
  chunk.length = length;
  chunk.type = type | (profile == MkfsProfile::dup ? bg::kDup : 0);
  for (int copy = 0; copy < copies_of(profile); ++copy) {
    chunk.physical.push_back(device_end_);
    device_end_ += length;
  }
  logical_end_ += length;
  chunks_.push_back(std::move(chunk));
}

const PlannedChunk& Layout::chunk_of(uint64_t bytenr) const {
  for (const PlannedChunk& chunk : chunks_)
    if (ByteRange::at(chunk.start, chunk.length).contains(bytenr)) return chunk;
  BF_ASSERT(false, "no chunk at {}", bytenr);
}

uint64_t Layout::take_block(uint64_t type, uint32_t nodesize) {
  const auto found =
      std::ranges::find_if(chunks_, [&](const PlannedChunk& it) { return (it.type & type) != 0; });
  BF_ASSERT(found != chunks_.end(), "no chunk of type {}", type);
  PlannedChunk& chunk = *found;
  ByteRange block = ByteRange::at(chunk.taken.empty() ? chunk.start : chunk.taken.back().end, nodesize);
  while (any_copy_touches_super_mirror(chunk, block)) block = ByteRange::at(block.end, nodesize);
  BF_ASSERT(block.end <= chunk.start + chunk.length, "chunk at {} is full", chunk.start);
  chunk.taken.push_back(block);
  return block.start;
}

}  // namespace butterfuse
