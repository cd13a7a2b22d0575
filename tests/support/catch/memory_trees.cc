// SPDX-License-Identifier: GPL-2.0-or-later
// Trees over memory, and the proof that shape and references are right.
#include "tests/support/catch/memory_trees.h"

#include <catch2/catch.hpp>

#include "core/btree/block_layout.h"
#include "core/btree/block_refs.h"
#include "core/btree/tree_roots.h"

namespace butterfuse::test {
namespace {

// Hands out one "disk" to a cache that wants to own its source.
class SharedSource final : public TreeBlockSource {
 public:
  explicit SharedSource(std::shared_ptr<MemoryBlockSource> source) : source_(std::move(source)) {}
  uint32_t nodesize() const override { return source_->nodesize(); }
  Uuid metadata_fsid() const override { return source_->metadata_fsid(); }
  Uuid chunk_tree_uuid() const override { return source_->chunk_tree_uuid(); }
  Status read(uint64_t bytenr, MutableByteSpan into, uint64_t generation, int level,
              uint64_t limit) override {
    return source_->read(bytenr, into, generation, level, limit);
  }

 private:
  std::shared_ptr<MemoryBlockSource> source_;
};

template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message);
  return std::move(*result);
}

void check_shape(const Tree& tree, const TreeBlock& block, bool is_root) {
  INFO("root=" << tree.id() << " block=" << block.bytenr());
  ByteSpan bytes = block.bytes();
  const DiskHeader& header = block.header();
  bool header_is_right = header.bytenr == block.bytenr() && owner_fits_tree(tree.id(), header.owner) &&
                         header.flags >> header_flag::kBackrefRevShift == header_flag::kMixedBackrefRev &&
                         header.fsid[15] == 0x11 && header.chunk_tree_uuid[15] == 0x22;
  REQUIRE(header_is_right);
  if (!is_root || block.level() > 0) REQUIRE(block.count() > 0);
  if (is_root && block.level() > 0) REQUIRE(block.count() > 1);
  if (block.level() > 0) {
    REQUIRE(block.count() <= node_capacity(bytes.size()));
    return;
  }
  LeafView leaf(bytes);
  uint32_t end = leaf_capacity(bytes.size());
  bool packed = true;
  for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
    packed = packed && leaf.item(slot).offset + leaf.item(slot).size == end;
    end = leaf.item(slot).offset;
  }
  REQUIRE(packed);
  REQUIRE(end >= leaf.count() * kItemBytes);
}

// Calls visit once for each block of each tree; `above` and `behind` bound its keys.
class Walk {
 public:
  Walk(Tree& tree, std::set<uint64_t>& seen, std::function<void(const TreeBlock&)> visit)
      : tree_(tree), seen_(seen), visit_(std::move(visit)) {}

  void run() {
    TreeRootPointer root = tree_.root();
    block(root.bytenr, root.generation, root.level, Key{}, kMaxKey, true);
  }

 private:
  void block(uint64_t bytenr, uint64_t generation, int level, const Key& first, const Key& behind,
             bool is_root) {
    TreeBlockRef block = must(tree_.cache().get(bytenr, {generation, level}));
    check_shape(tree_, *block, is_root);
    if (!is_root) REQUIRE(first_key_of(block->bytes()) == first);
    check_order(*block, behind);
    if (!seen_.insert(bytenr).second) return;
    visit_(*block);
    if (level == 0) return;
    NodeView node(block->bytes());
    for (uint32_t slot = 0; slot < node.count(); ++slot) {
      Key next = slot + 1 < node.count() ? node.key(slot + 1) : behind;
      this->block(node.ptr(slot).blockptr, node.ptr(slot).generation, level - 1, node.key(slot), next, false);
    }
  }

  static void check_order(const TreeBlock& block, const Key& behind) {
    bool ordered = true;
    for (uint32_t slot = 0; slot < block.count(); ++slot) {
      Key key = block.level() == 0 ? LeafView(block.bytes()).key(slot) : NodeView(block.bytes()).key(slot);
      Key next = behind;
      if (slot + 1 < block.count()) {
        next = block.level() == 0 ? LeafView(block.bytes()).key(slot + 1)
                                  : NodeView(block.bytes()).key(slot + 1);
      }
      ordered = ordered && key < next;
    }
    REQUIRE(ordered);
  }

  Tree& tree_;
  std::set<uint64_t>& seen_;
  std::function<void(const TreeBlock&)> visit_;
};

// Collects the references that blocks make, in the counting context's terms.
class ExpectedRefs final : public CowContext {
 public:
  std::map<uint64_t, CountingContext::BlockRecord> blocks;
  std::map<uint64_t, CountingContext::RefCounts> extents;

  uint64_t transid() const override { return 0; }
  Result<uint64_t> alloc_tree_block(uint64_t, uint64_t, int, const Key&) override { return 0; }
  Result<BlockRefs> lookup_tree_refs(uint64_t, int) override { return BlockRefs{}; }
  Status set_full_backref(uint64_t, int) override { return {}; }
  Status add_tree_ref(const TreeRef& ref) override {
    ++blocks[ref.bytenr].refs[{ref.parent, ref.parent != 0 ? 0 : ref.root, 0, 0}];
    return {};
  }
  Status drop_tree_ref(const TreeRef&) override { return {}; }
  Status add_data_ref(const DataRef& ref) override {
    CountingContext::RefKey keyed{0, ref.root, ref.objectid, ref.offset};
    ++extents[ref.bytenr][ref.parent != 0 ? CountingContext::RefKey{ref.parent, 0, 0, 0} : keyed];
    return {};
  }
  Status drop_data_ref(const DataRef&) override { return {}; }
  Status free_tree_block(const TreeRef&, uint64_t) override { return {}; }
};

}  // namespace

MemoryTrees::MemoryTrees(uint32_t nodesize, uint64_t cache_bytes)
    : cache_bytes_(cache_bytes), source_(std::make_shared<MemoryBlockSource>(nodesize)), context_(nodesize) {
  cache_ = std::make_unique<TreeBlockCache>(std::make_unique<SharedSource>(source_), cache_bytes_);
}

MemoryTrees::~MemoryTrees() = default;

Tree& MemoryTrees::create(uint64_t root_id) {
  TreeRootPointer root = must(create_tree_root(*cache_, context_, root_id));
  return *(trees_[root_id] = std::make_unique<Tree>(*cache_, root_id, root));
}

Tree& MemoryTrees::snapshot(Tree& source, uint64_t new_root_id) {
  TreeRootPointer root = must(copy_tree_root(source, context_, new_root_id));
  return *(trees_[new_root_id] = std::make_unique<Tree>(*cache_, new_root_id, root, context_.transid()));
}

void MemoryTrees::commit() {
  std::vector<TreeBlockRef> dirty = cache_->take_dirty();
  for (const TreeBlockRef& block : dirty) source_->write(block->bytenr(), block->bytes());
  cache_->written(dirty);
  context_.next_transaction();
}

void MemoryTrees::reopen() {
  commit();
  auto cache = std::make_unique<TreeBlockCache>(std::make_unique<SharedSource>(source_), cache_bytes_);
  for (auto& [id, tree] : trees_) {
    tree = std::make_unique<Tree>(*cache, id, tree->root(), tree->last_snapshot());
  }
  cache_ = std::move(cache);
}

void MemoryTrees::check() {
  ExpectedRefs expected;
  std::set<uint64_t> seen;
  for (auto& [id, tree] : trees_) {
    (void)expected.add_tree_ref({.bytenr = tree->root().bytenr, .level = tree->root().level, .root = id});
    Walk(*tree, seen, [&](const TreeBlock& block) {
      auto record = context_.blocks().find(block.bytenr());
      bool counted = record != context_.blocks().end();
      REQUIRE(counted);
      bool full_backref = (record->second.flags & extent_flag::kFullBackref) != 0;
      expected.blocks[block.bytenr()].level = block.level();
      expected.blocks[block.bytenr()].flags = record->second.flags;
      (void)change_child_refs(expected, block, RefChange::add, full_backref ? block.bytenr() : 0);
    }).run();
  }
  bool blocks_match = expected.blocks == context_.blocks();
  REQUIRE(blocks_match);
  bool extents_match = expected.extents == context_.data_extents();
  REQUIRE(extents_match);
}

}  // namespace butterfuse::test
