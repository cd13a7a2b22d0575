// SPDX-License-Identifier: GPL-2.0-or-later
// LeafSalvager: the items of a damaged leaf, mended where one field gives it away.
#pragma once

#include <functional>
#include <optional>

#include "core/ondisk/tree_checker.h"
#include "core/survey/salvaged_tree.h"
#include "core/volume/volume.h"

namespace butterfuse::repair {

class LeafSalvager {
 public:
  // `result` gets the counts, and the inodes whose mode says nothing.
  LeafSalvager(Volume& volume, uint64_t generation, const ItemFilter& filter, SalvagedTree& result)
      : volume_(volume),
        context_(volume.check_context(generation)),
        generation_(generation),
        filter_(filter),
        result_(result) {}

  // Calls found() for each item with a key of [first, last].
  void take(ByteSpan block, const Key& first, const Key& last, const std::function<void(TreeItem)>& found);

 private:
  std::optional<TreeItem> take_item(ByteSpan block, const Key& key, uint64_t offset, uint64_t size);
  bool is_good(ByteSpan block, const TreeItem& item) const;
  void mend(TreeItem& item);
  void mend_extent(MutableByteSpan data);

  Volume& volume_;
  const TreeCheckContext context_;
  const uint64_t generation_;
  const ItemFilter& filter_;
  SalvagedTree& result_;
};

}  // namespace butterfuse::repair
