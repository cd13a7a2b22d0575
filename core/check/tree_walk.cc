// Walks trees by their parent pointers; what a parent promises of a child is checked here.
#include "core/check/tree_walk.h"

#include <unordered_set>

#include "core/check/read_ahead.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse::check {
namespace {

class Walker {
 public:
  Walker(CheckState& state, const TreeRoot& root, const BlockVisitor& visit)
      : state_(state), root_(root), visit_(visit) {}

  void run() {
    if (root_.level < 0 || root_.level >= kMaxLevel) {
      return state_.error("tree {}: root level {} is not below {}", tree_name(root_.id), root_.level,
                          kMaxLevel);
    }
    const ChildPointer top{root_.bytenr, root_.generation, root_.level};
    visit_block(top, ReadAhead(state_, {top}, newest()).next(), nullptr);
  }

 private:
  uint64_t newest() const { return state_.volume.super().generation + (root_.is_log ? 1 : 0); }

  // Depth is bounded by the level, which read_tree_block checks against the parent's.
  void visit_block(const ChildPointer& place, const Result<Block>& block, const Key* first_key) {
    if (state_.options.interrupted()) return;
    if (!visited_.insert(place.bytenr).second)
      return state_.error("tree {}: block {} is in it twice", tree_name(root_.id), place.bytenr);
    if (!block)
      return state_.error("tree {}: block {} level {}: {}", tree_name(root_.id), place.bytenr, place.level,
                          block.error().message);
    check_promises(*block, first_key);
    if (visit_(*block) && place.level > 0) visit_children(*block);
  }

  void visit_children(ByteSpan block) {
    const NodeView node(block);
    std::vector<ChildPointer> children;
    std::vector<Key> keys;
    for (uint32_t slot = 0; slot < node.count(); ++slot) {
      if (already_dropped(root_, block, slot)) continue;
      if (!children.empty() &&
          children.back().bytenr == node.ptr(slot).blockptr) {  // before it is read again
        state_.error("tree {}: block {} is in it twice", tree_name(root_.id), children.back().bytenr);
        continue;
      }
      children.push_back({node.ptr(slot).blockptr, node.ptr(slot).generation, header_of(block).level - 1});
      keys.push_back(node.key(slot));
    }
    ReadAhead blocks(state_, children, newest());
    for (size_t i = 0; i < children.size() && !state_.options.interrupted(); ++i)
      visit_block(children[i], blocks.next(), &keys[i]);
  }

  void check_promises(ByteSpan block, const Key* first_key) {
    const DiskHeader& header = header_of(block);
    if (first_key) {
      const Key have = key_at(block, 0);
      if (header.nritems == 0) {
        state_.error("tree {}: block {} is empty but not the root", tree_name(root_.id),
                     uint64_t{header.bytenr});
      } else if (have != *first_key) {
        state_.error("tree {}: block {}: first key {} is not its parent's {}", tree_name(root_.id),
                     uint64_t{header.bytenr}, to_text(have), to_text(*first_key));
      }
    }
    if (!may_hold_blocks_of(header.owner))
      state_.error("tree {}: block {} is owned by tree {}", tree_name(root_.id), uint64_t{header.bytenr},
                   tree_name(header.owner));
    if (!(header.flags & header_flag::kWritten))
      state_.error("tree {}: block {} is not marked as written", tree_name(root_.id),
                   uint64_t{header.bytenr});
    const uint64_t revision = header.flags >> header_flag::kBackrefRevShift;
    if (state_.has_incompat(incompat::kMixedBackref) && revision != header_flag::kMixedBackrefRev)
      state_.error("tree {}: block {} has references of revision {}", tree_name(root_.id),
                   uint64_t{header.bytenr}, revision);
  }

  // Snapshots share blocks, and so does a balance: its copies of trees name the tree, or the balance, as
  // owner.
  bool may_hold_blocks_of(uint64_t owner) const {
    if (owner == root_.id) return true;
    if (root_.id == objectid::kTreeReloc) return is_file_tree(owner);
    if (root_.id == objectid::kDataRelocTree) return owner == objectid::kTreeReloc;
    return is_fs_tree(root_.id) && (is_fs_tree(owner) || owner == objectid::kTreeReloc);
  }

  CheckState& state_;
  const TreeRoot& root_;
  const BlockVisitor& visit_;
  std::unordered_set<uint64_t> visited_;  // a ring, or a fan that meets again, would have no end
};

}  // namespace

bool already_dropped(const TreeRoot& root, ByteSpan block, uint32_t slot) {
  const Key progress = root.item.drop_progress;
  if (root.item.refs != 0 || progress == Key{} || header_of(block).level < root.item.drop_level) return false;
  NodeView node(block);
  return slot + 1 < node.count() && node.key(slot + 1) <= progress;
}

void walk_blocks(CheckState& state, const TreeRoot& root, const BlockVisitor& visit) {
  Walker(state, root, visit).run();
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
