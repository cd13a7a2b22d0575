// Tree walk: visits all blocks or all items of a possibly damaged tree, never twice, never in circles.
#pragma once

#include <functional>

#include "core/check/check_state.h"

namespace butterfuse::check {

using Block = std::vector<std::byte>;

// True for a child of a half-deleted subvolume (refs 0, drop_progress set) whose reference is already gone.
bool already_dropped(const TreeRoot& root, ByteSpan node, uint32_t slot);

// Called before a block's children; false: do not descend.
using BlockVisitor = std::function<bool(ByteSpan block)>;
using ItemVisitor = std::function<void(const Key& key, ByteSpan data, ByteSpan leaf)>;

// Reads every block below `root` (checksum and tree_checker included), reports what can't be read or does not
// fit its parent: key, level, generation, owner of a fixed tree.
void walk_blocks(CheckState& state, const TreeRoot& root, const BlockVisitor& visit);
void walk_items(CheckState& state, const TreeRoot& root, const ItemVisitor& visit);

}  // namespace butterfuse::check
