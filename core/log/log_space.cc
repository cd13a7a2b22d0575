// SPDX-License-Identifier: GPL-2.0-or-later
// Blocks of the log come and go. A log can grow beyond what its handle reserved: then a commit is better.
//
//     alloc ─> unwritten ──note_written──> written ──free──> retired ──release──> free space
//                  └─ free: given back at once           until the next superblock one may lead to it
//
// None has an extent item: the log ends with the transaction, and would make the extent tree grow for
// nothing. For whoever opens the file system after a crash these blocks are free space, which is why
// LoggedSpace reserves them.
#include "core/log/log_space.h"

#include <utility>

#include "core/base/assert.h"

namespace butterfuse {

Result<uint64_t> LogSpace::alloc_tree_block(uint64_t, uint64_t, int, const Key&) {
  if (!allocator_.commit_fits())
    return make_error(ENOSPC, "the log has {} blocks, and more would leave no space for the commit",
                      blocks());
  BF_ASSIGN(const uint64_t bytenr, allocator_.alloc_tree_block(SpaceClass::metadata));
  unwritten_.insert(bytenr);
  return bytenr;
}

Status LogSpace::free_tree_block(const TreeRef& ref, uint64_t) {
  if (unwritten_.erase(ref.bytenr) > 0) return give_back(ref.bytenr), Status{};
  BF_ASSERT(written_.erase(ref.bytenr) == 1, "block {} is not the log's", ref.bytenr);
  retired_.insert(ref.bytenr);
  fresh_retired_.push_back(ref.bytenr);
  return {};
}

void LogSpace::note_written(uint64_t bytenr) {
  BF_ASSERT(unwritten_.erase(bytenr) == 1, "block {} is not the log's", bytenr);
  written_.insert(bytenr);
}

std::vector<uint64_t> LogSpace::take_retired() { return std::exchange(fresh_retired_, {}); }

void LogSpace::release(const std::vector<uint64_t>& blocks) {
  for (uint64_t bytenr : blocks) {
    BF_ASSERT(retired_.erase(bytenr) == 1, "block {} was not retired", bytenr);
    give_back(bytenr);
  }
}

void LogSpace::release_all() {
  for (auto* blocks : {&unwritten_, &written_, &retired_}) {
    for (uint64_t bytenr : *blocks) give_back(bytenr);
    blocks->clear();
  }
  fresh_retired_.clear();
}

}  // namespace butterfuse
