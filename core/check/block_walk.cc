// SPDX-License-Identifier: GPL-2.0-or-later
// BlockWalk, and the chunk tree read with it. Unlike walk_blocks it needs no CheckState and judges
// no content.
#include "core/check/block_walk.h"

#include <cerrno>

namespace butterfuse {

Status read_any_tree_block(Volume& volume, const WalkRoot& root, MutableByteSpan into,
                           const BlockWalk::ErrorSink& report) {
  Status as_promised = volume.read_tree_block(root.bytenr, into, root.generation, root.level, kAnyGeneration);
  if (as_promised) return {};
  if (!volume.read_tree_block(root.bytenr, into, 0, root.level, kAnyGeneration)) return as_promised;
  report(as_promised.error());
  return {};
}

void BlockWalk::walk(const WalkRoot& root) {
  if (!visited_.insert(root.bytenr).second)
    return report_(
        Error{EUCLEAN, fmt::format("tree block {} is referenced twice in this tree", root.bytenr)});
  std::vector<std::byte> block(volume_.nodesize());
  if (Status status = read_any_tree_block(volume_, root, block, report_); !status)
    return report_(status.error());
  visit_(block);
  const int level = header_of(block).level;
  if (level == 0) return;
  NodeView node(block);
  // At most kMaxLevel deep, since each child must be one level lower.
  for (uint32_t slot = 0; slot < node.count(); ++slot)
    walk({node.ptr(slot).blockptr, node.ptr(slot).generation, level - 1});
}

void load_chunk_tree(Volume& volume, const BlockWalk::ErrorSink& report) {
  auto visit = [&](ByteSpan block) {
    if (header_of(block).level > 0) return;
    LeafView leaf(block);
    for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
      const Key key = leaf.key(slot);
      if (key.type == key_type::kDevItem)
        if (Status added = volume.add_device_item(load<DiskDevItem>(leaf.data(slot))); !added)
          report(added.error());
      if (key.type != key_type::kChunkItem) continue;
      auto known = volume.chunk_at(key.offset);
      if (known && known->start == key.offset) continue;  // from sys_chunk_array
      Status status = volume.add_chunk(decode_chunk(key, leaf.data(slot)));
      if (!status) report(status.error());
    }
  };
  const DiskSuper& super = volume.super();
  BlockWalk(volume, visit, report)
      .walk({super.chunk_root, super.chunk_root_generation, super.chunk_root_level});
}

}  // namespace butterfuse
