// SPDX-License-Identifier: GPL-2.0-or-later
// Promises of space: how much of what is free is spoken for.
//
// A commit that runs out of space loses everything since the last one. So it must not: whoever will need
// space asks for it before, where ENOSPC can still be told, and this file says how much that is at the worst.
// The rule, at any time: free metadata space, and device space that could become such, hold metadata_need().
// reservation.cc follows one promise from its beginning to its end.
//
// **What one changed item costs** (kBlocksPerItem). Its leaf is copied, and split; the node above is copied,
// and now and then split (once for 100 and more new leaves). That is 4 blocks. What lies above is copied for
// all items together: TreePromises adds two paths for each tree that has anything promised. An item larger
// than a leaf's quarter counts as several; its maker says so.
//
// **Why all promises together need less.** A tree copies each of its blocks once in a transaction. So the
// promises for a tree need at most all its blocks, and new leaves for what is added (kLeastGrowthPerItem).
// The old blocks come back with the commit (pinned until then), so that the next transaction can do the same
// again. This bound holds tree by tree, and only for blocks that are the tree's alone:
//
// **Blocks that snapshots share** do not come back, for the other trees keep them: in the first transaction a
// tree may copy all its blocks for good, in the next one all of them once more. So a tree that shares has
// twice its size as the bound. And whoever copies a shared block adds a reference to everything it points to:
// up to 493 for a node of 16 KiB, some 200 for a leaf of file extents. What these add to the extent tree is
// kSharedGrowth.
//
// **The followers**: extent, free space, checksum, block group and root tree change because the others did. A
// reference may touch a leaf of three of them (kLeavesPerRef) and add items (kGrowthPerRef); each copied
// block makes two references. They are trees too: together they need no more than what of them this
// transaction has not copied yet. Copying a follower makes references as well, whose items are those of the
// block that was there before, elsewhere (kGrowthPerFollower). Where trees share blocks a single change can
// touch them all, so that they are kept free as a whole: what deletes a snapshot's file must find them.
//
// **Who holds what when.** An operation holds its promise while it runs; what it made is then used or
// reserved in the counters, what it left to the commit counts as debt (queued references as they are queued,
// dirty inodes from when they are queued to when the commit has written them). Delalloc holds its promise
// until its extents are in the trees. The commit itself has no promise: CommitDebt is its. Log trees promise
// their blocks, and give them back with the commit.
//
// **The global reserve** is for what nobody counts: device, chunk, quota and uuid tree, block group items of
// new chunks; and for work that frees space, which may take all but a part of it, in steps that each fit.
//
// **Three budgets** come of one formula. A promise is given where the need of everything, with it, finds
// room (Admission). Debt that nobody promises, a dirty inode or a log's block, is taken on where half of the
// global reserve may be counted as room (commit_fits): promises stop earlier, so those who can't be refused
// find the other half. And a commit may make as many blocks as debt alone is worth (commit_budget);
// promise_watch.h looks whether it kept to that, which is how a wrong number of this file is found.
//
// When it does not fit, in this order: write back what is delalloc (its worst case becomes what it really
// is); commit (references run, pinned space comes back); a chunk is made when there is device space; work
// that frees space dips into the reserve; the rest is told ENOSPC. Times of access are not kept then.
#include "core/alloc/promises.h"

#include <algorithm>

namespace butterfuse {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// ---- references ----

// Each of an item's blocks that is copied queues two references, the old block's and the new one's, and the
// item can be one of data: 2 * 4 + 1.
constexpr uint64_t kRefsPerItem = 2 * kBlocksPerItem + 1;
// An extent item, the free space beside it, and for data its checksums, which may go with it. Block group and
// root items are few, and lie together.
constexpr uint64_t kLeavesPerRef = 3;
// An item's header has 25 bytes. An EXTENT_ITEM (24) with a data reference inline (1 + 28) takes 78 with it,
// a free space extent, which is all key, 25. In leaves that are half full twice that: 206, rounded up.
constexpr uint64_t kGrowthPerRef = 256;
// Of a node pointer: key (17), bytenr, generation. Nothing that refers to a block is smaller, so a shared
// block of so many bytes has at most so many pieces that get a reference with its copy.
constexpr uint64_t kPointerBytes = 33;
// What the copy of a shared block adds to the extent tree, in halves of a block. For a leaf of file extents,
// 78 bytes each with header and key, the references become items of 53 bytes (EXTENT_DATA_REF, header 25);
// for a node of 33 bytes a pointer, items of 25 (TREE_BLOCK_REF, all key): three quarters of what refers to
// them, at most. In leaves that are half full that is one and a half blocks for one.
constexpr uint64_t kSharedGrowth = 3;

// ---- followers ----

// A METADATA_ITEM (24) with its header (25) and its reference inline (9) has 58 bytes; in leaves that are
// half full 116, rounded up.
constexpr uint64_t kGrowthPerFollower = 128;
// Copied followers free blocks themselves, whose items are elsewhere: at worst in every leaf that has
// items of metadata. These leaves are so small a part of what they tell of: of 16 KiB they hold 280 items
// of 58 bytes, half full 140; of 8 KiB 139, half full 70. (Of 4 KiB, half full, 34: the global reserve
// makes up for it.)
constexpr uint64_t kMetadataPerItsItems = 64;

// ---- the global reserve ----

// Chosen, not derived, for what nobody counts has no bound that is known: a part of all metadata, a smaller
// one of mixed groups, which are mostly data. Not below 1 MiB or so many blocks, some ten paths of three
// levels; not above 16 MiB, some three hundred such paths in blocks of 16 KiB.
constexpr uint64_t kReservePart = 16;
constexpr uint64_t kReservePartOfMixed = 32;
constexpr uint64_t kReserveBlocks = 32;
constexpr uint64_t kReserveMost = 16 * kMiB;
// Freeing gets along with less of it, for the commit behind it gives back more: it leaves a quarter, but no
// more than these bytes or so many blocks (whichever is more), half of the least reserve.
constexpr uint64_t kFreeingReservePart = 4;
constexpr uint64_t kFreeingReserve = kMiB / 2;
constexpr uint64_t kFreeingReserveBlocks = kReserveBlocks / 2;

}  // namespace

void Promises::give_back(SpaceClass space, uint64_t root, uint64_t bytes) {
  if (space == SpaceClass::data)
    data_ -= bytes;
  else
    debt_.trees().give_back(root, bytes);
}

uint64_t Promises::global_reserve() const {
  const SpacePool& metadata = groups_.metadata();
  const uint64_t part = metadata.counters().total / (metadata.mixed() ? kReservePartOfMixed : kReservePart);
  return std::clamp(part, std::max(kMiB, kReserveBlocks * nodesize_), kReserveMost);
}

// Of the follower trees, what these many references will copy: some leaves for each, and where the items of
// copied followers lie; but not more than there is left to copy.
uint64_t Promises::follower_copies(uint64_t refs) const {
  if (refs == 0) return 0;
  const uint64_t scattered =
      refs * kLeavesPerRef * nodesize_ + groups_.metadata().counters().used / kMetadataPerItsItems;
  return std::min(scattered, debt_.uncopied_followers());
}

// Copies of the trees' own blocks and of the followers', what references add to the followers,
// and the reserve.
uint64_t Promises::metadata_need(const Whose& whose) const {
  const TreePromises::Need own = debt_.trees().need(whose.of, whose.root, whose.extra);
  const bool any_shared = debt_.trees().any_shared();
  const uint64_t queued = whose.of == Of::promises ? 0 : debt_.refs();
  const uint64_t own_refs = own.copies / (kBlocksPerItem * nodesize_) * kRefsPerItem;
  const uint64_t shared_refs = own.shared / kPointerBytes;
  uint64_t followers = follower_copies(queued + own_refs + shared_refs + own.dirty_roots);
  if (any_shared && whose.of == Of::everything) followers = debt_.uncopied_followers();
  uint64_t copies = own.copies + followers;
  if (!any_shared) {  // then all trees together are no more than this
    const SpaceCounters& metadata = groups_.metadata().counters();
    copies = std::min(copies, metadata.used + metadata.reserved + own.growth);
  }
  return copies + followers / nodesize_ * kGrowthPerFollower + (queued + own_refs) * kGrowthPerRef +
         own.shared / 2 * kSharedGrowth + global_reserve();
}

uint64_t Promises::metadata_pool_need(const Whose& whose) const {
  return metadata_need(whose) + (groups_.mixed() ? data_ : 0);
}

uint64_t Promises::pool_need(const SpacePool& pool, Of of) const {
  uint64_t need = 0;
  if (&pool == &groups_.data()) need += data_;
  if (&pool == &groups_.metadata()) need += metadata_need({.of = of});
  return need;
}

uint64_t Promises::need_while_freeing(uint64_t root, uint64_t bytes) const {
  const uint64_t reserve = global_reserve();
  const uint64_t kept =
      std::min(reserve / kFreeingReservePart, std::max(kFreeingReserve, kFreeingReserveBlocks * nodesize_));
  return metadata_pool_need({.root = root, .extra = bytes}) - reserve + kept;
}

// Promises stop where the whole reserve is left: half of it is for those who can't be refused.
bool Promises::commit_fits(uint64_t root, uint64_t extra) const {
  const uint64_t need = metadata_pool_need({.root = root, .extra = extra}) - global_reserve() / 2;
  return groups_.metadata().counters().free() >= need || metadata_room() >= need;
}

uint64_t Promises::metadata_room() const {
  const SpacePool& metadata = groups_.metadata();
  return metadata.counters().free() + device_space_.convertible_bytes(metadata.profile());
}

// As the kernel, when four fifths are in use; or when less is free than the commit will want at once.
bool Promises::metadata_is_tight() const {
  const SpaceCounters& counters = groups_.metadata().counters();
  const uint64_t taken = counters.total - counters.free();
  const uint64_t kept = global_reserve() + follower_copies(debt_.refs());
  return counters.free() < kept || taken >= counters.total / 10 * 8;
}

}  // namespace butterfuse
