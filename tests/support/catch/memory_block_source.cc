// SPDX-License-Identifier: GPL-2.0-or-later
// The "disk" of tree tests.
#include "core/ondisk/tree_checker.h"
#include "tests/support/catch/memory_trees.h"

namespace butterfuse::test {

Uuid MemoryBlockSource::metadata_fsid() const {
  Uuid fsid;
  fsid.bytes.fill(0x11);
  return fsid;
}

Uuid MemoryBlockSource::chunk_tree_uuid() const {
  Uuid uuid;
  uuid.bytes.fill(0x22);
  return uuid;
}

Status MemoryBlockSource::read(uint64_t bytenr, MutableByteSpan into, uint64_t expected_generation,
                               int expected_level, uint64_t generation_limit) {
  ++reads_;
  if (no_memory_.exchange(false)) throw std::bad_alloc();
  MutexLock lock(mutex_);
  auto found = blocks_.find(bytenr);
  if (found == blocks_.end()) return make_error(EIO, "no block at {}", bytenr);
  std::ranges::copy(found->second, into.begin());
  const DiskHeader& header = header_of(into);
  if (header.bytenr != bytenr)
    return make_error(EUCLEAN, "block {} says {}", bytenr, uint64_t{header.bytenr});
  if (expected_generation != 0 && header.generation != expected_generation) {
    return make_error(EUCLEAN, "block {} generation {} want {}", bytenr, uint64_t{header.generation},
                      expected_generation);
  }
  if (expected_level >= 0 && header.level != expected_level) {
    return make_error(EUCLEAN, "block {} level {} want {}", bytenr, header.level, expected_level);
  }
  TreeCheckContext context;
  context.nodesize = nodesize_;
  context.sectorsize = 4096;
  context.generation = generation_limit;
  context.total_bytes = uint64_t{1} << 40;
  context.csum_size = 4;
  context.depth = TreeCheckDepth::structure;
  return check_tree_block(context, into);
}

void MemoryBlockSource::write(uint64_t bytenr, ByteSpan block) {
  MutexLock lock(mutex_);
  blocks_[bytenr].assign(block.begin(), block.end());
}

}  // namespace butterfuse::test
