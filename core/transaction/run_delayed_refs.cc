// SPDX-License-Identifier: GPL-2.0-or-later
// The extent tree catches up with the other trees.
#include "core/transaction/run_delayed_refs.h"

#include "core/csum/csum_tree.h"

namespace butterfuse {
namespace {

// So many changes are made under one hold of the extent tree's lock. More would let lookup_tree_refs of
// others wait longer, fewer would seek the same leaves anew.
constexpr ptrdiff_t kBatch = 128;

}  // namespace

Status RefRunner::run_all() {
  while (transaction.refs().size() > 0) BF_TRY(run(transaction.refs().take_all()));
  return {};
}

Status RefRunner::run_newborn_data() {
  // Not to the end: the extent tree's own new blocks would keep coming while others work.
  WriterLock moving(transaction.refs_moving());
  return run(transaction.refs().take_newborn_data());
}

Status RefRunner::run(std::vector<ExtentChange> changes) {
  const ExtentChange* begin = changes.data();
  const ExtentChange* const end = begin + changes.size();
  while (begin != end) {
    const ExtentChange* batch_end = begin + std::min(kBatch, end - begin);
    BF_TRY(run_batch(begin, batch_end));
    for (; begin != batch_end; ++begin) transaction.refs().settle(*begin);
  }
  return {};
}

Status RefRunner::run_batch(const ExtentChange* begin, const ExtentChange* end) {
  std::vector<ExtentOutcome> outcomes;
  outcomes.reserve(end - begin);
  {
    WriteCursor cursor(extent_tree, context);
    ExtentRefs refs(cursor, shape);
    for (const ExtentChange* change = begin; change != end; ++change) {
      BF_ASSIGN(ExtentOutcome outcome, refs.apply(*change));
      outcomes.push_back(outcome);
    }
  }
  // Free space and checksums only now: the allocator may have to read the extent tree.
  for (const ExtentChange* change = begin; change != end; ++change)
    BF_TRY(settle(*change, outcomes[change - begin]));
  return {};
}

Status RefRunner::settle(const ExtentChange& change, ExtentOutcome outcome) {
  const ByteRange range = ByteRange::at(change.bytenr, change.num_bytes);
  const bool appeared = outcome == ExtentOutcome::inserted || outcome == ExtentOutcome::vanished;
  const bool gone = outcome == ExtentOutcome::removed || outcome == ExtentOutcome::vanished;
  // A data extent that came and went in one transaction may still be being read: it is pinned like any other.
  if (appeared) BF_TRY(allocator.note_extent_added(context, range));
  if (gone && change.data) BF_TRY(delete_csums(csum_tree, context, range, sectorsize, csum_bytes));
  if (gone) BF_TRY(allocator.note_extent_removed(context, range));
  return {};
}

}  // namespace butterfuse
