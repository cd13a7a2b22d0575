// SPDX-License-Identifier: GPL-2.0-or-later
// TreeImage: a whole B-tree built from its sorted items, block by block. For trees that do not exist yet.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/checksum.h"
#include "core/base/uuid.h"
#include "core/ondisk/key.h"

namespace butterfuse {

struct TreeItem {
  Key key;
  std::vector<std::byte> data;
};

// What the header of every block of a file system says.
struct BlockIdentity {
  uint32_t nodesize = 0;
  CsumType csum = CsumType::crc32c;
  Uuid fsid;
  Uuid chunk_tree_uuid;
  uint64_t generation = 0;
};

struct BlockImage {
  uint64_t bytenr = 0;
  uint8_t level = 0;
  Key first_key;
  std::vector<std::byte> bytes;  // checksummed
};

// The levels of the blocks that build_tree() will make, in its order: at least one leaf.
std::vector<uint8_t> tree_block_levels(const std::vector<TreeItem>& items, uint32_t nodesize);

// The blocks, leaves first and the root last. REQUIRES: items sorted and unique; as many bytenrs as blocks.
std::vector<BlockImage> build_tree(const BlockIdentity& identity, uint64_t owner,
                                   const std::vector<TreeItem>& items, const std::vector<uint64_t>& bytenrs);

}  // namespace butterfuse
