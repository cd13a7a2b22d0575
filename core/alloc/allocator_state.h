// SPDX-License-Identifier: GPL-2.0-or-later
// AllocatorState: all that an allocator knows, under its one mutex.
#pragma once

#include "core/alloc/admission.h"
#include "core/alloc/block_group_table.h"
#include "core/alloc/chunk_maker.h"
#include "core/alloc/commit_gain.h"
#include "core/alloc/dirty_groups.h"
#include "core/alloc/pinned_extents.h"
#include "core/alloc/promises.h"
#include "core/alloc/run_allocator.h"
#include "core/base/mutex.h"
#include "core/chunk/chunk_items.h"
#include "core/chunk/device_space.h"

namespace butterfuse {

// Whoever is handed the state works without the mutex, and locks it where he looks or changes. The parts know
// nothing of it: they are called with the mutex held, and call only each other. So a class of this room is
// wholly the one or the other, and nobody reaches a part without the lock.
//
// Lock order: tree locks, then the mutex, then the volume's chunk map and the leaf locks of CommitDebt. No
// tree is read or changed with the mutex held, for a tree change allocates.
//
// Invariants, whenever nobody holds the mutex:
// - what Promises says is needed is there (see there);
// - the items of a group plus its delta are the complement of its extent items.
struct AllocatorState {
  AllocatorState(Volume& of_volume, const AllocatorTrees& of_trees, CommitDebt& of_debt);

  Volume& volume;
  // Set while opening. free_space is null also where the tree is there but not valid.
  AllocatorTrees trees;
  CommitDebt& debt;
  const uint32_t sectorsize, nodesize;

  mutable Mutex mutex;
  CondVar group_loaded;  // no group is `loading` any more that was; with the mutex
  BlockGroupTable groups BF_GUARDED_BY(mutex);
  DeviceSpace device_space BF_GUARDED_BY(mutex);
  Promises promises BF_GUARDED_BY(mutex);
  ChunkMaker chunks BF_GUARDED_BY(mutex);
  Admission admission BF_GUARDED_BY(mutex);
  RunAllocator runs BF_GUARDED_BY(mutex);
  PinnedExtents pins BF_GUARDED_BY(mutex);
  CommitGain gain BF_GUARDED_BY(mutex);
  DirtyGroups dirty BF_GUARDED_BY(mutex);
  DeviceBytes device_bytes_inserted BF_GUARDED_BY(mutex);  // of chunks whose items are in the trees
};

// Fills it from the chunks of the volume and the items of their block groups. EUCLEAN when they contradict
// each other. REQUIRES that nobody else has it yet.
Status read_block_groups(AllocatorState& state);

}  // namespace butterfuse
