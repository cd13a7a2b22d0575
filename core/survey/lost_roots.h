// SPDX-License-Identifier: GPL-2.0-or-later
// Lost roots: the top block of a tree whose root item is missing or names another block.
#pragma once

#include <optional>

#include "core/check/check_state.h"
#include "core/survey/recorded_blocks.h"

namespace butterfuse::repair {

// Whether the block that the root item names may be the tree's top block: it says so itself, and is recorded
// for the tree. One that is not recorded (an old one, or the record is wrong) is believed if all that are
// recorded lie lower; one that can't be read, if it is recorded.
bool names_own_block(Volume& volume, const RecordedBlocks& recorded, const check::TreeRoot& root);

// By the extent tree: the block of the highest level that is recorded for the tree; of several the youngest.
std::optional<check::TreeRoot> recorded_root(Volume& volume, const RecordedBlocks& recorded, uint64_t tree);

}  // namespace butterfuse::repair
