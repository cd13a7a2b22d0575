// SPDX-License-Identifier: GPL-2.0-or-later
// Running delayed refs: queued reference changes become extent items, free space and freed checksums.
#pragma once

#include "core/alloc/allocator.h"
#include "core/extent_tree/extent_refs.h"
#include "core/transaction/transaction.h"

namespace butterfuse {

struct RefRunner {
  CowContext& context;
  Transaction& transaction;
  Allocator& allocator;
  Tree& extent_tree;
  Tree& csum_tree;
  ExtentTreeShape shape;
  uint32_t sectorsize = 0;
  uint32_t csum_bytes = 0;  // of one checksum

  // Until the queue is empty: what runs queues more, for the extent tree's own blocks, but only once for
  // each. REQUIRES that nobody else changes trees.
  Status run_all();
  // What can run while others work (see DelayedRefs::take_newborn_data):
  // makes the closed part of a commit shorter.
  Status run_newborn_data();

 private:
  Status run(std::vector<ExtentChange> changes);
  Status run_batch(const ExtentChange* begin, const ExtentChange* end);
  Status settle(const ExtentChange& change, ExtentOutcome outcome);
};

}  // namespace butterfuse
