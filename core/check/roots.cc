// SPDX-License-Identifier: GPL-2.0-or-later
// Finds the roots of all trees: chunk and root tree from the superblock, the others from their root items.
// The chunks come first: all other blocks are found by them. The blocks of the chunk tree lie in system
// chunks, which the superblock has a copy of.
#include "core/check/tree_walk.h"
#include "core/ondisk/root_item.h"
#include "core/ondisk/tree_checker.h"

namespace butterfuse::check {
namespace {

void load_chunks(CheckState& state, const TreeRoot& chunk_root) {
  TreeCheckContext context{.nodesize = state.volume.nodesize(),
                           .sectorsize = state.volume.sectorsize(),
                           .incompat = state.volume.super().incompat_flags,
                           .total_bytes = state.volume.super().total_bytes,
                           .generation = state.volume.super().generation};
  walk_items(state, chunk_root, [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type == key_type::kDevItem) {
      if (auto added = state.volume.add_device_item(load<DiskDevItem>(data)); !added)
        state.error("{}", added.error().message);
    }
    if (key.type != key_type::kChunkItem || state.volume.chunk_at(key.offset)) return;
    if (auto good = check_chunk_item(context, key, data); !good)
      return state.error("{}", good.error().message);
    if (auto added = state.volume.add_chunk(decode_chunk(key, data)); !added)
      state.error("{}", added.error().message);
  });
}

}  // namespace

void load_roots(CheckState& state) {
  const DiskSuper& super = state.volume.super();
  TreeRoot chunk_root{
      objectid::kChunkTree, super.chunk_root, super.chunk_root_generation, super.chunk_root_level, {}};
  load_chunks(state, chunk_root);
  if (const std::string missing = state.volume.missing_devices(); !missing.empty()) {
    state.summary.missing_devices = missing;
    state.warning("missing devices: {}; what lies on them is not checked", missing);
  }
  if (const Status united = state.volume.check_root_copies(); !united)
    state.error("{}", united.error().message);
  state.roots[objectid::kChunkTree] = chunk_root;
  TreeRoot root_tree{objectid::kRootTree, super.root, super.generation, super.root_level, {}};
  state.roots[objectid::kRootTree] = root_tree;
  walk_items(state, root_tree, [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type != key_type::kRootItem) return;
    const DiskRootItem item = load_root_item(data);
    const TreeRoot root{key.objectid, item.bytenr, item.generation, item.level, item};
    // There may be several, one for each subvolume that a balance was moving.
    if (key.objectid == objectid::kTreeReloc) {
      state.reloc_roots.push_back(root);
    } else {
      state.roots[key.objectid] = root;
    }
  });
  for (uint64_t id : {objectid::kExtentTree, objectid::kDevTree, objectid::kFsTree, objectid::kCsumTree}) {
    if (!state.roots.contains(id)) state.error("root tree: tree {} is missing", tree_name(id));
  }
}

}  // namespace butterfuse::check
