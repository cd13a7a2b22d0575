// SPDX-License-Identifier: GPL-2.0-or-later
// References as the trees make them, subtracted from those the extent tree records: what is left is wrong.
//
//     the extent tree records    +1 for (root 5), +1 for (root 257)
//     the trees make             -1 for (root 5)
//     what is left                            +1 for (root 257): one too many recorded
//
// Each block is counted once, however many trees lead to it: what a shared block refers to is referred to by
// the block, or by its owner, and not by each tree that shares it. The balance is kept by reference and not
// as a sum of all, so that a missing and a wrong one do not cancel out.
#include "core/check/tree_walk.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse::check {
namespace {

bool full_backref(const CheckState& state, uint64_t bytenr) {
  auto record = state.extents.find(bytenr);
  return record != state.extents.end() && (record->second.flags & extent_flag::kFullBackref);
}

// One reference found. A child of a FULL_BACKREF block is referenced by the block, else by the block's owner.
// An extent without an item is taken down as the trees have it, so that compare_references finds it.
void found_ref(CheckState& state, uint64_t bytenr, uint64_t length, bool is_tree_block, const Backref& ref) {
  ExtentRecord& record = state.extents[bytenr];
  if (!record.has_item && record.balance.empty()) {
    record.length = length;
    record.is_tree_block = is_tree_block;
  }
  if (record.has_item && (record.length != length || record.is_tree_block != is_tree_block)) {
    state.error("extent {}: is {} bytes of {} but used as {} bytes of {}", bytenr, record.length,
                record.is_tree_block ? "tree" : "data", length, is_tree_block ? "tree" : "data");
  }
  record.balance[ref] -= 1;
}

void count_leaf(CheckState& state, ByteSpan block, bool full) {
  const DiskHeader& header = header_of(block);
  LeafView leaf(block);
  for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
    const Key key = leaf.key(slot);
    if (key.type != key_type::kExtentData || leaf.data(slot).size() < sizeof(DiskFileExtent)) continue;
    const auto extent = load<DiskFileExtent>(leaf.data(slot));
    if (extent.type == file_extent_type::kInline || extent.disk_bytenr == 0) continue;
    Backref ref{.parent = header.bytenr};
    if (!full) ref = {.root = header.owner, .objectid = key.objectid, .offset = key.offset - extent.offset};
    found_ref(state, extent.disk_bytenr, extent.disk_num_bytes, false, ref);
  }
}

void count_block(CheckState& state, const TreeRoot& root, ByteSpan block) {
  const DiskHeader& header = header_of(block);
  const bool full = full_backref(state, header.bytenr);
  state.summary.tree_blocks += 1;
  state.summary.tree_bytes += block.size();
  if (auto record = state.extents.find(header.bytenr);
      record != state.extents.end() && record->second.has_item) {
    if (record->second.generation != header.generation) {
      // Other implementations do not keep it, and no reader looks at it.
      state.warning("tree block {}: generation {} but its extent item says {}", uint64_t{header.bytenr},
                    uint64_t{header.generation}, record->second.generation);
    }
    if (record->second.level != header.level) {
      state.error("tree block {}: level {} but its extent item says {}", uint64_t{header.bytenr},
                  header.level, record->second.level);
    }
  }
  if (header.level == 0) return count_leaf(state, block, full);
  NodeView node(block);
  for (uint32_t slot = 0; slot < node.count(); ++slot) {
    if (already_dropped(root, block, slot)) continue;
    Backref ref{.parent = header.bytenr};
    if (!full) ref = {.root = header.owner};
    found_ref(state, node.ptr(slot).blockptr, state.volume.nodesize(), true, ref);
  }
}

std::string describe(const Backref& ref, bool is_tree_block) {
  if (ref.parent) return fmt::format("parent {}", ref.parent);
  if (is_tree_block) return fmt::format("root {}", tree_name(ref.root));
  return fmt::format("root {} inode {} offset {}", tree_name(ref.root), ref.objectid, ref.offset);
}

// The walk was content with any good copy. This looks at the others, and so reads each block of a mirrored
// tree once more.
void count_bad_copies(CheckState& state, ByteSpan block) {
  const DiskHeader& header = header_of(block);
  if (state.volume.copies(header.bytenr) < 2) return;
  state.summary.bad_copies += static_cast<uint64_t>(state.volume.bad_tree_block_copies(
      header.bytenr, header.generation, header.level, state.volume.super().generation));
}

WalkedBlock walked_block(ByteSpan block, bool as_promised) {
  const DiskHeader& header = header_of(block);
  WalkedBlock walked;
  walked.generation = header.generation;
  walked.owner = header.owner;
  walked.level = header.level;
  walked.is_copy = header.flags & header_flag::kReloc;
  walked.as_promised = as_promised && header.nritems > 0;
  if (walked.as_promised) walked.first_key = key_at(block, 0);
  return walked;
}

// Counts what the blocks of one tree refer to, but for those that another tree has led to before: these are
// not even read again where their parents promise the same of them.
class ReferenceCount : public TreeVisitor {
 public:
  ReferenceCount(CheckState& state, const TreeRoot& root) : state_(state), root_(root) {}

  bool enter(ByteSpan block, bool as_promised) override {
    const uint64_t bytenr = header_of(block).bytenr;
    const auto [walked, is_new] = state_.walked.try_emplace(bytenr, walked_block(block, as_promised));
    check_last_snapshot(bytenr, walked->second);
    if (!is_new) {
      walked->second.is_shared = true;
      return false;
    }
    count_bad_copies(state_, block);
    count_block(state_, root_, block);
    return true;
  }
  bool knows(const ChildPointer& child, const Key& first_key) override {
    const WalkedBlock* walked = walked_as_promised(state_, child, first_key);
    return walked && may_hold_blocks_of(root_.id, walked->owner);
  }
  void pass(const ChildPointer& child) override {
    WalkedBlock& walked = state_.walked.at(child.bytenr);
    check_last_snapshot(child.bytenr, walked);
    walked.is_shared = true;
  }
  void tell(const std::string& finding) override { state_.error("{}", finding); }

 private:
  // Who writes to a subvolume asks the extent tree only about blocks that are as old as its last snapshot,
  // and about copies of a balance: any other shared block would be changed as if it were its own, and its
  // references missed. (The root node is never asked about; what it refers to is.)
  void check_last_snapshot(uint64_t bytenr, const WalkedBlock& block) {
    if (!is_fs_tree(root_.id) || root_.item.refs == 0 || bytenr == root_.bytenr) return;
    if (block.generation <= root_.item.last_snapshot || block.is_copy) return;
    const auto record = state_.extents.find(bytenr);
    if (record == state_.extents.end() || !record->second.has_item) return;
    if (record->second.refs < 2 && !(record->second.flags & extent_flag::kFullBackref)) return;
    state_.error("tree {}: block {} of generation {} is shared, but the last snapshot is of {}",
                 tree_name(root_.id), bytenr, block.generation, uint64_t{root_.item.last_snapshot});
  }

  CheckState& state_;
  const TreeRoot& root_;
};

void count_tree(CheckState& state, const TreeRoot& root, const Backref& root_ref) {
  found_ref(state, root.bytenr, state.volume.nodesize(), true, root_ref);
  ReferenceCount count(state, root);
  walk_tree(state, root, count);
}

}  // namespace

void count_references(CheckState& state) {
  for (const auto& [id, root] : state.roots) count_tree(state, root, {.root = id});
  // The root of a relocation tree is recorded as its own parent.
  for (const TreeRoot& root : state.reloc_roots) count_tree(state, root, {.parent = root.bytenr});
}

void compare_references(CheckState& state) {
  for (const auto& [bytenr, record] : state.extents) {
    if (record.has_item && record.refs != record.recorded_refs) {
      state.error("extent {}: refs is {} but {} references are recorded", bytenr, record.refs,
                  record.recorded_refs);
    }
    if (!record.has_item) state.error("extent {}: in use, but has no extent item", bytenr);
    for (const auto& [ref, balance] : record.balance) {
      if (balance == 0) continue;
      state.error("extent {}: references by {}: {} too {} recorded", bytenr,
                  describe(ref, record.is_tree_block), balance > 0 ? balance : -balance,
                  balance > 0 ? "many" : "few");
    }
    if (record.has_item && !record.is_tree_block) {
      state.summary.data_extents += 1;
      state.summary.data_bytes += record.length;
    }
  }
}

}  // namespace butterfuse::check
