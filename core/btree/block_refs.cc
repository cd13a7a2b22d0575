// SPDX-License-Identifier: GPL-2.0-or-later
// Walks the pointers and file extents of a block (as the kernel's btrfs_inc_ref and btrfs_dec_ref do).
#include "core/btree/block_refs.h"

#include "core/btree/block_layout.h"

namespace butterfuse {
namespace {

Status change_tree_ref(CowContext& context, const TreeRef& ref, RefChange change) {
  return change == RefChange::add ? context.add_tree_ref(ref) : context.drop_tree_ref(ref);
}

Status change_data_ref(CowContext& context, const DataRef& ref, RefChange change) {
  return change == RefChange::add ? context.add_data_ref(ref) : context.drop_data_ref(ref);
}

Status change_node_refs(CowContext& context, const TreeBlock& node, RefChange change, uint64_t parent) {
  NodeView view(node.bytes());
  TreeRef ref{.level = node.level() - 1, .parent = parent, .root = node.header().owner};
  for (uint32_t slot = 0; slot < view.count(); ++slot) {
    ref.bytenr = view.ptr(slot).blockptr;
    BF_TRY(change_tree_ref(context, ref, change));
  }
  return {};
}

Status change_leaf_refs(CowContext& context, const TreeBlock& leaf, RefChange change, uint64_t parent) {
  LeafView view(leaf.bytes());
  for (uint32_t slot = 0; slot < view.count(); ++slot) {
    Key key = view.key(slot);
    ByteSpan data = view.data(slot);
    if (key.type != key_type::kExtentData || data.size() < sizeof(DiskFileExtent)) continue;
    auto extent = load<DiskFileExtent>(data);
    if (extent.type == file_extent_type::kInline || extent.disk_bytenr == 0) continue;
    DataRef ref{.bytenr = extent.disk_bytenr,
                .num_bytes = extent.disk_num_bytes,
                .parent = parent,
                .root = leaf.header().owner,
                .objectid = key.objectid,
                .offset = key.offset - extent.offset};
    BF_TRY(change_data_ref(context, ref, change));
  }
  return {};
}

}  // namespace

Status change_child_refs(CowContext& context, const TreeBlock& block, RefChange change, uint64_t parent) {
  if (block.level() > 0) return change_node_refs(context, block, change, parent);
  if (!is_fs_tree(block.header().owner)) return {};
  return change_leaf_refs(context, block, change, parent);
}

bool is_fs_tree(uint64_t root_id) {
  return root_id == objectid::kFsTree ||
         static_cast<int64_t>(root_id) >= static_cast<int64_t>(objectid::kFirstFree);
}

bool owner_fits_tree(uint64_t root_id, uint64_t owner) {
  if (root_id == objectid::kTreeLog || root_id == objectid::kTreeReloc) return true;
  return is_fs_tree(root_id) ? is_fs_tree(owner) : owner == root_id;
}

}  // namespace butterfuse
