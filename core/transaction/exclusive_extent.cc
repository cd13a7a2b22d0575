// SPDX-License-Identifier: GPL-2.0-or-later
// Is a data extent referred to by one file range alone? The extent's item and what is queued for it decide.
#include <algorithm>

#include "core/extent_tree/extent_item.h"
#include "core/extent_tree/extent_ref.h"
#include "core/transaction/filesystem_state.h"

namespace butterfuse {
namespace {

// References with items of their own are not looked for: then the counts differ.
Result<bool> item_is_exclusive(Tree& extent_tree, const DataRef& ref) {
  ReadCursor cursor(extent_tree);
  const Key key{ref.bytenr, key_type::kExtentItem, ref.num_bytes};
  BF_ASSIGN(const bool found, cursor.seek(key));
  if (!found)
    return make_error(EUCLEAN, "extent tree: no item for data extent {} {}", ref.bytenr, ref.num_bytes);
  BF_ASSIGN(const ExtentItem item, ExtentItem::decode(key, cursor.data()));
  if (item.inline_refs.size() != 1) return false;
  const CountedRef& only = item.inline_refs.front();
  return only.ref == extent_ref_of(ref) && only.count == item.refs;
}

}  // namespace

// A reference that came and went in this transaction counts: an fsync in between may have written it to the
// log, and a crash then brings it back.
Result<bool> TransactionHandle::is_exclusive(const DataRef& ref) {
  ReaderLock moving(transaction_->refs_moving());
  const ExtentChange queued = transaction_->refs().queued_change(ref.bytenr);
  const ExtentRef ours = extent_ref_of(ref);
  const bool others =
      queued.once_shared || std::any_of(queued.deltas.begin(), queued.deltas.end(),
                                        [&](const RefDelta& delta) { return delta.ref != ours; });
  if (others || queued.newborn) return !others;
  return item_is_exclusive(*filesystem_->state_->extent_tree, ref);
}

}  // namespace butterfuse
