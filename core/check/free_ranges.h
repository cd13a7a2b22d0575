// SPDX-License-Identifier: GPL-2.0-or-later
// Free ranges of a block group: what an index of free space says, and what the extents leave.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/byte_range.h"
#include "core/check/check_state.h"

namespace butterfuse::check {

using Ranges = std::vector<ByteRange>;

// Adds a range behind the others; joined with the last where they touch.
void append(Ranges& ranges, ByteRange range);

// Adds a range for each run of set bits among the first `bits`, each of which stands for `unit` bytes from
// `start` on. Bits that `map` does not hold are clear.
void append_bitmap(Ranges& ranges, uint64_t start, ByteSpan map, uint64_t bits, uint64_t unit);

// What the extent items leave of [start, start + length).
Ranges gaps_between_extents(const CheckState& state, uint64_t start, uint64_t length);

// `have` without what is in `without`; both in order.
Ranges subtract(const Ranges& have, const Ranges& without);

// An error of the first difference, if there is one. `index` is what says `have` ("free space tree").
void compare_free_ranges(CheckState& state, const char* index, uint64_t group, const Ranges& have,
                         const Ranges& want);

}  // namespace butterfuse::check
