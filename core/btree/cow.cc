// SPDX-License-Identifier: GPL-2.0-or-later
// Copy-on-write with the references it entails, in the same cases as the kernel's update_ref_for_cow.
//
//     the block has                      what a change in tree T makes of it
//     1 reference, no FULL_BACKREF       its references on children pass over to the copy; it is freed
//     1 reference, FULL_BACKREF          the copy gets keyed references; its shared ones go, and it is freed
//     more, T owns it                    it gets shared references and FULL_BACKREF; keyed ones pass over
//     more, not T's, or FULL_BACKREF     the copy gets keyed references; it has one reference less itself
//
// The extent tree is asked only where a snapshot or a balance may have shared the block (may_be_shared): what
// is younger than the last snapshot of its tree has one reference.
#include "core/btree/cow.h"

#include <algorithm>

#include "core/btree/block_layout.h"
#include "core/btree/block_refs.h"
#include "core/btree/search.h"

namespace butterfuse {
namespace {

Result<uint64_t> alloc_bytenr(TreeBlockCache& cache, CowContext& context, uint64_t root_id, int level,
                              const Key& first_key) {
  BF_ASSIGN(uint64_t bytenr, context.alloc_tree_block(root_id, 0, level, first_key));
  if (cache.is_dirty(bytenr)) {
    return make_error(EUCLEAN, "corrupt free space: block={} was allocated twice, now for root={}", bytenr,
                      root_id);
  }
  return bytenr;
}

void fill_header(TreeBlockCache& cache, CowContext& context, uint64_t root_id, TreeBlock& block) {
  DiskHeader& header = block.mutable_header();
  Uuid fsid = cache.source().metadata_fsid();
  Uuid chunk_tree_uuid = cache.source().chunk_tree_uuid();
  std::ranges::copy(fsid.bytes, header.fsid);
  std::ranges::copy(chunk_tree_uuid.bytes, header.chunk_tree_uuid);
  header.bytenr = block.bytenr();
  header.flags = header_flag::kMixedBackrefRev << header_flag::kBackrefRevShift;
  header.generation = context.transid();
  header.owner = root_id;
}

// A block that was written out may be what a superblock on disk leads to: a log's is, within its transaction.
bool born_now(const TreeEdit& edit, const TreeBlock& block) {
  return block.generation() == edit.context.transid() && (block.header().flags & header_flag::kWritten) == 0;
}

Result<BlockRefs> refs_of(const TreeEdit& edit, const TreeBlock& block, bool is_root) {
  if (!may_be_shared(edit.tree, block, is_root)) return BlockRefs{};
  BF_ASSIGN(BlockRefs refs, edit.context.lookup_tree_refs(block.bytenr(), block.level()));
  if (refs.refs == 0) {
    return make_error(EUCLEAN,
                      "corrupt extent tree: root={} block={} level={} is in use and has no references",
                      edit.tree.id(), block.bytenr(), block.level());
  }
  return refs;
}

// A block under shared references is one of several trees'. Who leaves it takes references of its own:
// - The owner leaves: its keyed references on the children go over to the copy as they are; what stays refers
//   to the children by block number from then on (FULL_BACKREF).
// - Another tree leaves, or the owner leaves what has FULL_BACKREF already: the copy adds keyed references.
Status refs_for_copy_of_shared(const TreeEdit& edit, const TreeBlock& old, const TreeBlock& copy,
                               uint64_t flags) {
  bool owned = old.header().owner == edit.tree.id();
  if (!owned || (flags & extent_flag::kFullBackref) != 0) {
    return change_child_refs(edit.context, copy, RefChange::add, 0);
  }
  BF_TRY(change_child_refs(edit.context, old, RefChange::add, old.bytenr()));
  return edit.context.set_full_backref(old.bytenr(), old.level());
}

// The old block ends with this tree. Keyed references go over to the copy;
// shared ones give way to keyed ones.
Status refs_for_copy_of_last(const TreeEdit& edit, const TreeBlock& old, const TreeBlock& copy,
                             uint64_t flags) {
  if ((flags & extent_flag::kFullBackref) == 0) return {};
  BF_TRY(change_child_refs(edit.context, copy, RefChange::add, 0));
  return change_child_refs(edit.context, old, RefChange::drop, old.bytenr());
}

// The copy of `old` that takes its place, references settled; linking it in is up to the caller.
Result<TreeBlockRef> copy_block(const TreeEdit& edit, const TreeBlock& old, const BlockRefs& refs) {
  BF_ASSIGN(TreeBlockRef copy, new_tree_block_copy(edit.tree.cache(), edit.context, edit.tree.id(), old));
  copy->set_next_insert_slot(old.next_insert_slot());
  BF_TRY(refs.refs > 1 ? refs_for_copy_of_shared(edit, old, *copy, refs.flags)
                       : refs_for_copy_of_last(edit, old, *copy, refs.flags));
  return copy;
}

Status leave_block(const TreeEdit& edit, const TreeBlockRef& old, const BlockRefs& refs) {
  if (refs.refs == 1) return free_tree_block(edit, old);
  return edit.context.drop_tree_ref({.bytenr = old->bytenr(), .level = old->level(), .root = edit.tree.id()});
}

// A writable version of `block`; `link` puts a new one into its parent.
template <class Link>
Result<TreeBlockRef> make_writable(const TreeEdit& edit, const TreeBlockRef& block, bool is_root,
                                   const Link& link) {
  if (is_writable(edit, *block, is_root)) return block;
  BF_ASSIGN(BlockRefs refs, refs_of(edit, *block, is_root));
  BF_ASSIGN(TreeBlockRef copy, copy_block(edit, *block, refs));
  link(*copy);
  BF_TRY(leave_block(edit, block, refs));
  return copy;
}

}  // namespace

bool may_be_shared(const Tree& tree, const TreeBlock& block, bool is_root) {
  if (is_root || !tree.shareable()) return false;
  return block.generation() <= tree.last_snapshot() || (block.header().flags & header_flag::kReloc) != 0;
}

bool is_writable(const TreeEdit& edit, const TreeBlock& block, bool is_root) {
  return born_now(edit, block) && !may_be_shared(edit.tree, block, is_root);
}

Result<TreeBlockRef> new_tree_block(TreeBlockCache& cache, CowContext& context, uint64_t root_id, int level,
                                    const Key& first_key) {
  BF_ASSIGN(uint64_t bytenr, alloc_bytenr(cache, context, root_id, level, first_key));
  TreeBlockRef block = cache.create(bytenr);
  fill_header(cache, context, root_id, *block);
  block->mutable_header().level = static_cast<uint8_t>(level);
  return block;
}

Result<TreeBlockRef> new_tree_block_copy(TreeBlockCache& cache, CowContext& context, uint64_t root_id,
                                         const TreeBlock& original) {
  BF_ASSIGN(uint64_t bytenr,
            alloc_bytenr(cache, context, root_id, original.level(), first_key_of(original.bytes())));
  TreeBlockRef block = cache.create_copy(bytenr, original);
  fill_header(cache, context, root_id, *block);
  return block;
}

Status cow_level(const TreeEdit& edit, int level) {
  bool is_root = edit.path.is_root(level);
  auto link = [&](const TreeBlock& copy) {
    if (is_root) {
      edit.tree.set_root({copy.bytenr(), copy.generation(), level});
    } else {
      node_set_ptr(edit.path.block(level + 1).mutable_bytes(), edit.path.slot(level + 1), copy.bytenr(),
                   copy.generation());
    }
  };
  BF_ASSIGN(TreeBlockRef writable, make_writable(edit, edit.path.ref(level), is_root, link));
  edit.path.ref(level) = std::move(writable);
  return {};
}

Status cow_path(const TreeEdit& edit, int lowest_level) {
  for (int level = edit.path.height - 1; level >= lowest_level; --level) {
    if (is_writable(edit, edit.path.block(level), edit.path.is_root(level))) continue;
    BF_TRY(cow_level(edit, level));
  }
  return {};
}

Result<TreeBlockRef> cow_child(const TreeEdit& edit, int level, uint32_t slot) {
  BF_ASSIGN(TreeBlockRef child, read_child(edit.tree, edit.path, level, slot));
  return make_writable(edit, child, false, [&](const TreeBlock& copy) {
    node_set_ptr(edit.path.block(level).mutable_bytes(), slot, copy.bytenr(), copy.generation());
  });
}

Status free_tree_block(const TreeEdit& edit, const TreeBlockRef& block) {
  edit.tree.cache().drop(block->bytenr());  // first: the space may be allocated again as soon as it is free
  return edit.context.free_tree_block(
      {.bytenr = block->bytenr(), .level = block->level(), .root = edit.tree.id()}, block->generation());
}

}  // namespace butterfuse
