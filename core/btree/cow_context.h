// SPDX-License-Identifier: GPL-2.0-or-later
// CowContext: the knot between trees, allocation and transactions, cut: all that a tree change asks for.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/ondisk/key.h"

namespace butterfuse {

struct BlockRefs {
  uint64_t refs = 1;
  uint64_t flags = 0;  // extent_flag::
};

// A data extent reference as a leaf's EXTENT_DATA item makes it.
struct DataRef {
  uint64_t bytenr = 0;  // disk_bytenr, disk_num_bytes of the whole extent
  uint64_t num_bytes = 0;
  uint64_t parent = 0;    // leaf bytenr of a shared (FULL_BACKREF) ref; 0: keyed by root, objectid, offset
  uint64_t root = 0;      // owner of the reference
  uint64_t objectid = 0;  // inode
  uint64_t offset = 0;    // file offset - extent offset (key.offset - file_extent.offset), may wrap
};

// A tree block reference.
struct TreeRef {
  uint64_t bytenr = 0;
  int level = 0;
  uint64_t parent = 0;  // bytenr of the parent for a shared ref; 0: keyed by root
  uint64_t root = 0;
};

// Implemented by TransactionHandle (core/transaction) and LogSpace (core/log); by a bump allocator in tests
// of the tree code. Called with the changing tree's exclusive lock held; never calls back into that tree. A
// TransactionHandle only queues references: the extent tree itself changes when the transaction runs them.
class CowContext {
 public:
  virtual ~CowContext() = default;
  virtual uint64_t transid() const = 0;
  // Space for one new tree block of `root`, with its first reference queued (keyed, or shared by `parent`
  // when that is not 0). `first_key` goes into tree block infos where metadata is not skinny. A tree does not
  // choose the place: blocks of one transaction lie best one behind the other, and are written in one go.
  virtual Result<uint64_t> alloc_tree_block(uint64_t root, uint64_t parent, int level,
                                            const Key& first_key) = 0;
  // How many references the block has, counting queued ones, and its flags. drop_tree_ref or free_tree_block
  // of the same block follows before anything else is looked up, unless the change fails: until then the
  // context keeps other trees from changing the answer.
  virtual Result<BlockRefs> lookup_tree_refs(uint64_t bytenr, int level) = 0;
  virtual Status set_full_backref(uint64_t bytenr, int level) = 0;
  virtual Status add_tree_ref(const TreeRef& ref) = 0;
  virtual Status drop_tree_ref(const TreeRef& ref) = 0;
  virtual Status add_data_ref(const DataRef& ref) = 0;
  virtual Status drop_data_ref(const DataRef& ref) = 0;
  // The block has left the tree and this tree's reference was its last: drop the reference, and free the
  // space at once if the block was born in this transaction, or pin it until the commit.
  virtual Status free_tree_block(const TreeRef& ref, uint64_t block_generation) = 0;
};

}  // namespace butterfuse
