// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes the first chunks as mkfs.btrfs does and hands out blocks from their beginnings.
//
//     logical       1 MiB │ system │ data │ metadata │                        one after the other, no gaps
//     device 1      1 MiB │ system │ system copy │ data │ metadata │ metadata copy │ free ...       with DUP
//
// Both start at 1 MiB: in front of it nothing is given out, so that boot loaders and the first superblock
// have their place. Which devices get a chunk follows from how much room each has.
#include "core/mkfs/layout.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/ondisk/constants.h"

namespace butterfuse {
namespace {

constexpr uint64_t kMiB = 1 << 20, kGiB = 1 << 30;
// The system chunk holds the chunk tree, whose items are some hundred bytes a chunk: 8 MiB are enough for
// very many, and the engine adds another where it is not. Data starts small for the same reason: nobody knows
// yet how much of the device it will need.
constexpr uint64_t kSystemBytes = 8 * kMiB, kDataBytes = 8 * kMiB;

// Of each stripe. A tenth of the devices for all copies, within bounds: at least 8 MiB (with copies 32 MiB),
// at most 256 MiB where all devices have up to 50 GiB together, 1 GiB above. Of several devices: striped
// profiles share it out, and none gives more than an eighth of the smallest device, but at least 8 MiB.
uint64_t metadata_stripe_bytes(const std::vector<uint64_t>& device_bytes, const RaidProfile& profile) {
  uint64_t total = 0;
  for (uint64_t bytes : device_bytes) total += bytes;
  const uint64_t smallest = *std::ranges::min_element(device_bytes);
  const uint64_t most = total > 50 * kGiB ? kGiB : 256 * kMiB;
  const uint64_t tenth = total / 10 / static_cast<uint64_t>(profile.copies);
  const uint64_t least = profile.copies > 1 ? 32 * kMiB : 8 * kMiB;
  const uint64_t bytes = std::clamp(round_down(tenth, kMiB), least, most);
  if (device_bytes.size() == 1) return bytes;
  const uint64_t stripes = profile.striped() ? device_bytes.size() / profile.copies : 1;
  return std::clamp(round_down(std::min(bytes / stripes, smallest / 8), kMiB), 8 * kMiB, bytes);
}

// As kernels see it: they give out nothing of the whole stripe (64 KiB) that a mirror lies in, though the
// superblock takes 4 KiB of it.
bool touches_super_mirror(ByteRange physical) {
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror)
    if (physical.overlaps(ByteRange::at(super_mirror_offset(mirror), kStripeLen))) return true;
  return false;
}

bool any_copy_touches_super_mirror(const PlannedChunk& chunk, ByteRange logical) {
  for (uint64_t done = 0; done < logical.length();) {
    const StripePiece piece =
        stripe_piece(chunk, logical.start - chunk.start + done, logical.length() - done);
    for (size_t copy = 0; copy < piece.copies; ++copy) {
      const uint64_t physical = chunk.stripes[piece.first_copy + copy].physical + piece.stripe_offset;
      if (touches_super_mirror(ByteRange::at(physical, piece.length))) return true;
    }
    done += piece.length;
  }
  return false;
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

Layout::Layout(const MkfsOptions& options, const std::vector<uint64_t>& device_bytes) {
  for (uint64_t bytes : device_bytes) devices_.push_back({devices_.size() + 1, bytes});
  add_chunk(bg::kSystem, options.metadata, kSystemBytes);
  add_chunk(bg::kData, options.data, kDataBytes);
  add_chunk(bg::kMetadata, options.metadata,
            metadata_stripe_bytes(device_bytes, raid_profile(profile_flag(options.metadata))));
  for (const Device& device : devices_)
    BF_ASSERT(device.end <= device.bytes, "chunks end at {} of {}", device.end, device.bytes);
}

// Those with the most room, the first of them first. As many as the profile can use, a multiple of what it
// goes up by; in the order of their devids in the chunk.
std::vector<Layout::Device*> Layout::devices_for(const RaidProfile& profile) {
  std::vector<Device*> chosen;
  for (Device& device : devices_) chosen.push_back(&device);
  std::ranges::stable_sort(chosen, std::greater<>(), &Device::room);
  const size_t most = profile.max_devices != 0 ? static_cast<size_t>(profile.max_devices) : chosen.size();
  chosen.resize(std::min(most, chosen.size()) / profile.device_step * profile.device_step);
  std::ranges::sort(chosen, {}, &Device::devid);
  return chosen;
}

void Layout::add_chunk(uint64_t type, MkfsProfile profile_name, uint64_t stripe_bytes) {
  const RaidProfile& profile = raid_profile(profile_flag(profile_name));
  PlannedChunk chunk;
  chunk.start = logical_end_;
  chunk.type = type | profile.flag;
  for (Device* device : devices_for(profile)) {
    for (int stripe = 0; stripe < profile.device_stripes; ++stripe) {
      chunk.stripes.push_back({device->devid, device->end, {}});
      device->end += stripe_bytes;
    }
  }
  chunk.length = stripe_bytes * chunk.data_stripes();
  logical_end_ += chunk.length;
  chunks_.push_back(std::move(chunk));
}

void Layout::set_device_uuids(const std::vector<Uuid>& uuids) {
  for (PlannedChunk& chunk : chunks_)
    for (ChunkStripe& stripe : chunk.stripes) stripe.dev_uuid = uuids[stripe.devid - 1];
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
  // What is stepped over stays in no list: free_space_tree_items counts it as free, as kernels do.
  while (any_copy_touches_super_mirror(chunk, block)) block = ByteRange::at(block.end, nodesize);
  BF_ASSERT(block.end <= chunk.start + chunk.length, "chunk at {} is full", chunk.start);
  chunk.taken.push_back(block);
  return block.start;
}

}  // namespace butterfuse
