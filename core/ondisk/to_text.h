// SPDX-License-Identifier: GPL-2.0-or-later
// to_text: every on-disk struct as one or more lines, in the words of btrfs dump-tree.
#pragma once

#include <string>

#include "core/base/bytes.h"
#include "core/ondisk/format.h"

namespace butterfuse {

std::string super_to_text(const DiskSuper& super, bool full);
// Header line and every item or key pointer of a checked block.
std::string tree_block_to_text(ByteSpan block, const DiskSuper& super);
std::string item_to_text(const Key& key, ByteSpan item);  // lines indented by two tabs

}  // namespace butterfuse
