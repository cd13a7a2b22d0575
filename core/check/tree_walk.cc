// SPDX-License-Identifier: GPL-2.0-or-later
// Walks trees by their parent pointers; what a parent promises of a child is checked here.
//
// A parent promises four things: where the child is, its level, its generation, its first key. The first
// three (and checksum and tree_checker) Volume::read_tree_block compares; the key only this walk knows. The
// engine's cursors stop at the first thing that is wrong; here it is told, and the walk goes on beside it.
//
//     node ─> ReadAhead of its children ─> child 0, child 1, ...      one window for each level that is open
#include "core/check/tree_walk.h"

#include <unordered_set>

#include "core/ondisk/item_checks.h"

namespace butterfuse::check {
namespace {

class Walker {
 public:
  Walker(CheckState& state, const TreeRoot& root, TreeVisitor& visitor)
      : state_(state), root_(root), visitor_(visitor) {}

  void run() {
    if (root_.level < 0 || root_.level >= kMaxLevel)
      return tell("root level {} is not below {}", root_.level, kMaxLevel);
    const ChildPointer top{root_.bytenr, root_.generation, root_.level};
    visit_block(top, ReadAhead(state_, {top}, newest()).next(), nullptr);
  }

 private:
  struct Child {
    ChildPointer place;
    Key first_key;
    bool is_known = false;
  };

  uint64_t newest() const { return state_.volume.super().generation + (root_.is_log ? 1 : 0); }
  bool stopped() const { return state_.options.interrupted() || visitor_.stopped(); }
  template <class... Args>
  void tell(fmt::format_string<Args...> format, Args&&... args) {
    visitor_.tell(
        fmt::format("tree {}: {}", tree_name(root_.id), fmt::format(format, std::forward<Args>(args)...)));
  }

  // Depth is bounded by the level, which read_tree_block checks against the parent's.
  void visit_block(const ChildPointer& place, const Result<Block>& block, const Key* first_key) {
    if (stopped() || !is_first_visit(place)) return;
    if (!block) return tell("block {} level {}: {}", place.bytenr, place.level, block.error().message);
    state_.summary.blocks_judged += 1;
    const bool as_promised = check_promises(*block, first_key);
    if (!visitor_.enter(*block, as_promised)) return;
    if (place.level > 0) visit_children(*block);
    visitor_.leave(*block);
  }

  bool is_first_visit(const ChildPointer& place) {
    const bool is_first = visited_.insert(place.bytenr).second;
    if (!is_first) tell("block {} is in it twice", place.bytenr);
    return is_first;
  }

  void visit_children(ByteSpan block) {
    const std::vector<Child> children = children_of(block);
    std::vector<ChildPointer> unread;
    for (const Child& child : children)
      if (!child.is_known) unread.push_back(child.place);
    ReadAhead blocks(state_, std::move(unread), newest());
    for (const Child& child : children) {
      if (stopped()) return;
      if (!child.is_known) {
        visit_block(child.place, blocks.next(), &child.first_key);
      } else if (is_first_visit(child.place)) {
        visitor_.pass(child.place);
      }
    }
  }

  std::vector<Child> children_of(ByteSpan block) {
    const NodeView node(block);
    std::vector<Child> children;
    for (uint32_t slot = 0; slot < node.count(); ++slot) {
      if (already_dropped(root_, block, slot)) continue;
      const DiskKeyPtr& pointer = node.ptr(slot);
      // Two pointers to one block: it is not read twice.
      if (!children.empty() && children.back().place.bytenr == pointer.blockptr) {
        tell("block {} is in it twice", uint64_t{pointer.blockptr});
        continue;
      }
      const ChildPointer place{pointer.blockptr, pointer.generation, header_of(block).level - 1};
      children.push_back({place, node.key(slot), visitor_.knows(place, node.key(slot))});
    }
    return children;
  }

  // True: nothing to tell.
  bool check_promises(ByteSpan block, const Key* first_key) {
    const DiskHeader& header = header_of(block);
    const uint64_t bytenr = header.bytenr;
    uint64_t told = 0;
    if (first_key && header.nritems == 0) {
      tell("block {} is empty but not the root", bytenr), ++told;
    } else if (first_key && key_at(block, 0) != *first_key) {
      tell("block {}: first key {} is not its parent's {}", bytenr, to_text(key_at(block, 0)),
           to_text(*first_key));
      ++told;
    }
    if (!may_hold_blocks_of(root_.id, header.owner))
      tell("block {} is owned by tree {}", bytenr, tree_name(header.owner)), ++told;
    if (!(header.flags & header_flag::kWritten)) tell("block {} is not marked as written", bytenr), ++told;
    const uint64_t revision = header.flags >> header_flag::kBackrefRevShift;
    if (state_.has_incompat(incompat::kMixedBackref) && revision != header_flag::kMixedBackrefRev)
      tell("block {} has references of revision {}", bytenr, revision), ++told;
    return told == 0;
  }

  CheckState& state_;
  const TreeRoot& root_;
  TreeVisitor& visitor_;
  std::unordered_set<uint64_t> visited_;  // a ring, or a fan that meets again, would have no end
};

class BlocksOnly : public TreeVisitor {
 public:
  BlocksOnly(CheckState& state, const BlockVisitor& visit) : state_(state), visit_(visit) {}
  bool enter(ByteSpan block, bool) override { return visit_(block); }
  void tell(const std::string& finding) override { state_.error("{}", finding); }

 private:
  CheckState& state_;
  const BlockVisitor& visit_;
};

}  // namespace

const WalkedBlock* walked_as_promised(const CheckState& state, const ChildPointer& child,
                                      const Key& first_key) {
  const auto walked = state.walked.find(child.bytenr);
  if (walked == state.walked.end() || !walked->second.as_promised) return nullptr;
  const WalkedBlock& block = walked->second;
  const bool fits =
      block.generation == child.generation && int{block.level} == child.level && block.first_key == first_key;
  return fits ? &block : nullptr;
}

// Two trees that write to one block would destroy each other. A balance's copies of trees name the tree, or
// the balance, as owner.
bool may_hold_blocks_of(uint64_t root_id, uint64_t owner) {
  if (owner == root_id) return true;
  if (root_id == objectid::kTreeReloc) return is_file_tree(owner);
  if (root_id == objectid::kDataRelocTree) return owner == objectid::kTreeReloc;
  return is_fs_tree(root_id) && (is_fs_tree(owner) || owner == objectid::kTreeReloc);
}

// Deleting goes from the lowest key up, and notes how far it is. All below a child whose next neighbour
// begins at or below that note is gone; the child that the note lies in is there, in part.
bool already_dropped(const TreeRoot& root, ByteSpan block, uint32_t slot) {
  const Key progress = root.item.drop_progress;
  if (root.item.refs != 0 || progress == Key{} || header_of(block).level < root.item.drop_level) return false;
  NodeView node(block);
  return slot + 1 < node.count() && node.key(slot + 1) <= progress;
}

void walk_tree(CheckState& state, const TreeRoot& root, TreeVisitor& visitor) {
  Walker(state, root, visitor).run();
}

void walk_blocks(CheckState& state, const TreeRoot& root, const BlockVisitor& visit) {
  BlocksOnly blocks(state, visit);
  walk_tree(state, root, blocks);
}

void walk_items(CheckState& state, const TreeRoot& root, const ItemVisitor& visit) {
  Key last{};
  bool first = true;
  walk_blocks(state, root, [&](ByteSpan block) {
    if (header_of(block).level > 0) return true;
    LeafView leaf(block);
    for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
      const Key key = leaf.key(slot);
      if (!first && key <= last) {
        state.error("tree {}: block {} slot {}: key {} is not above {}", tree_name(root.id),
                    uint64_t{header_of(block).bytenr}, slot, to_text(key), to_text(last));
        return false;
      }
      first = false;
      last = key;
      visit(key, leaf.data(slot), block);
    }
    return false;
  });
}

}  // namespace butterfuse::check
