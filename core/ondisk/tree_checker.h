// tree_checker: a tree block's bytes are not trusted until they pass here.
#pragma once

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/ondisk/format.h"

namespace butterfuse {

// What must be known of the file system to judge one of its blocks.
struct TreeCheckContext {
  uint32_t nodesize = 0;
  uint32_t sectorsize = 0;
  uint64_t incompat = 0;
  uint64_t total_bytes = 0;   // superblock
  uint64_t generation = 0;    // superblock (or running transaction): no block may be younger
};

// Checks one whole tree block (`block.size() == nodesize`), header sanity included, checksum excluded:
// level, nritems, key order, item bounds without overlap, and the content of every known item type.
// EUCLEAN with "corrupt leaf: root=R block=B slot=S, REASON, have X want Y".
Status check_tree_block(const TreeCheckContext& context, ByteSpan block);

// Checks a CHUNK_ITEM (also from sys_chunk_array): stripes, lengths, alignment, profile.
Status check_chunk_item(const TreeCheckContext& context, const Key& key, ByteSpan item);

// Checks the fields of a superblock against each other (not its checksum).
Status check_super(const DiskSuper& super);

}  // namespace butterfuse
