// SPDX-License-Identifier: GPL-2.0-or-later
// ChunkMapping: one chunk of the logical address space, and where its bytes lie on devices.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/base/uuid.h"
#include "core/ondisk/format.h"
#include "core/ondisk/raid_profile.h"

namespace butterfuse {

struct MemberDevice;

struct ChunkStripe {
  uint64_t devid = 0;
  uint64_t physical = 0;  // byte offset on the device
  Uuid dev_uuid;
  MemberDevice* device = nullptr;  // set by Volume::add_chunk; it may be missing, but never null in the map
};

// Each failed try reads and computes a whole row: of chunks with more stripes not all ways are tried. (The
// byte itself, P, and 32 of the others.)
constexpr size_t kMostRaid6Ways = 34;

// Logical [start, start + length). Immutable once in the map.
struct ChunkMapping {
  uint64_t start = 0;
  uint64_t length = 0;
  uint64_t type = 0;  // bg:: flags
  std::vector<ChunkStripe> stripes;

  const RaidProfile& profile() const { return raid_profile(type); }
  // Ways to read a byte: its copies; in RAID5 and RAID6 the byte itself, then what rebuilds it.
  int copies() const {
    if (type & bg::kRaid5) return 2;
    return type & bg::kRaid6 ? static_cast<int>(std::min(stripes.size(), kMostRaid6Ways)) : profile().copies;
  }
  // Stripes that hold different data.
  uint64_t data_stripes() const {
    return profile().striped() ? (stripes.size() - profile().parity) / profile().copies : 1;
  }
  uint64_t stripe_bytes() const { return length / data_stripes(); }  // of each stripe, on its device
  uint64_t device_bytes() const { return stripe_bytes() * stripes.size(); }
};

// A part of a chunk that lies in one piece on each device that has it.
struct StripePiece {
  uint64_t offset = 0;  // in the chunk
  uint64_t length = 0;
  uint64_t stripe_offset = 0;  // in each stripe that holds it
  size_t first_copy = 0;       // index of the stripe with the first copy; the others are behind it
  size_t copies = 1;
  uint64_t row = 0, column = 0;  // of striped profiles: the 64 KiB cell it is in
};

// The longest piece from `offset`, at most `length` bytes. REQUIRES: both inside of the chunk.
StripePiece stripe_piece(const ChunkMapping& chunk, uint64_t offset, uint64_t length);
// Index of the stripe that holds a column of a row in RAID5 and RAID6. Columns behind the data are P and Q.
size_t parity_stripe(const ChunkMapping& chunk, uint64_t row, uint64_t column);

// What is wrong with the numbers of a chunk, or null: what the functions above rely on.
const char* chunk_flaw(const ChunkMapping& chunk);

}  // namespace butterfuse
