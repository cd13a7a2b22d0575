// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentRefs: the surgery on the extent tree: items appear, gain and lose references, and go.
#pragma once

#include "core/btree/cursor.h"
#include "core/extent_tree/delayed_refs.h"
#include "core/extent_tree/extent_item.h"

namespace butterfuse {

struct ExtentTreeShape {
  uint32_t nodesize = 0;
  bool skinny_metadata = false;
  // Inline references never let an extent item grow to this size; further ones get keys of their own. A
  // sixteenth of a block, as the kernel's limit is one of a leaf: else one much shared extent would fill a
  // leaf, and the items around it could not be kept together.
  uint32_t max_extent_item_bytes() const { return nodesize / 16 - uint32_t{sizeof(DiskItem)}; }
};

enum class ExtentOutcome {
  changed,  // the item is there, before and after
  inserted,
  removed,
  vanished,  // newborn without a reference left: no item was ever made
};

class ExtentRefs {
 public:
  // `cursor`: of the extent tree. Holds its lock for the cursor's life.
  ExtentRefs(WriteCursor& cursor, const ExtentTreeShape& shape) : cursor_(cursor), shape_(shape) {}

  // Applies all of `change` to the tree. EUCLEAN: a reference to drop is not there, or counts don't add up.
  // Leaves the cursor anywhere.
  Result<ExtentOutcome> apply(const ExtentChange& change);

 private:
  Result<ExtentOutcome> insert_newborn(const ExtentChange& change);
  Status seek_item(const ExtentChange& change);
  Result<bool> has_keyed_refs(uint64_t bytenr);
  Result<std::vector<RefDelta>> merge_inline(ExtentItem& item, const ExtentChange& change, bool is_new);
  Status write_back(const Key& key, const ExtentItem& item);
  Status remove_item(const Key& key, const ExtentItem& item);
  Status change_keyed(uint64_t bytenr, const RefDelta& delta);
  Status add_keyed(uint64_t bytenr, const ExtentRef& ref, int64_t count);
  Status drop_keyed(uint64_t bytenr, const ExtentRef& ref, int64_t count);
  std::optional<uint32_t> count_here(uint64_t bytenr, const ExtentRef& ref) const;

  WriteCursor& cursor_;
  const ExtentTreeShape& shape_;
};

// References and flags of a tree block as the extent tree has them. Takes its shared lock.
// EUCLEAN when it has none.
Result<BlockRefs> read_block_refs(Tree& extent_tree, uint64_t bytenr, int level, uint32_t nodesize);

}  // namespace butterfuse
