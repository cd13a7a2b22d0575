// SPDX-License-Identifier: GPL-2.0-or-later
// BlockWriter: writes a closed transaction's tree blocks to all their copies.
#pragma once

#include <vector>

#include "core/btree/tree_block.h"

namespace butterfuse {

// `blocks`: by bytenr, all of generation `transid`. Neighbours go out in one write. The blocks in memory are
// not touched: the next transaction may already be copying them, so checksums are set in private copies.
// Every block passes tree_checker once more: what is damaged in memory shall not reach the disk (EUCLEAN).
Status write_tree_blocks(Volume& volume, const std::vector<TreeBlockRef>& blocks, uint64_t transid);

}  // namespace butterfuse
