// SPDX-License-Identifier: GPL-2.0-or-later
// Edits of a node's bytes, and what leaves and nodes have in common.
#include <algorithm>

#include "core/btree/block_layout.h"

namespace butterfuse {
namespace {

DiskHeader& header(MutableByteSpan block) { return *reinterpret_cast<DiskHeader*>(block.data()); }
DiskKeyPtr* ptrs(MutableByteSpan node) {
  return reinterpret_cast<DiskKeyPtr*>(node.data() + sizeof(DiskHeader));
}

void open_ptrs(MutableByteSpan node, uint32_t slot, uint32_t count) {
  uint32_t old_count = header(node).nritems;
  std::memmove(static_cast<void*>(ptrs(node) + slot + count), ptrs(node) + slot,
               (old_count - slot) * sizeof(DiskKeyPtr));
  header(node).nritems = old_count + count;
}

}  // namespace

void node_insert(MutableByteSpan node, uint32_t slot, const Key& key, uint64_t blockptr,
                 uint64_t generation) {
  open_ptrs(node, slot, 1);
  node_set_key(node, slot, key);
  node_set_ptr(node, slot, blockptr, generation);
}

void node_remove(MutableByteSpan node, uint32_t first, uint32_t last) {
  uint32_t count = header(node).nritems;
  std::memmove(static_cast<void*>(ptrs(node) + first), ptrs(node) + last,
               (count - last) * sizeof(DiskKeyPtr));
  header(node).nritems = count - (last - first);
}

void node_set_key(MutableByteSpan node, uint32_t slot, const Key& key) { ptrs(node)[slot].key = key; }

void node_set_ptr(MutableByteSpan node, uint32_t slot, uint64_t blockptr, uint64_t generation) {
  ptrs(node)[slot].blockptr = blockptr;
  ptrs(node)[slot].generation = generation;
}

void node_copy(ByteSpan from, uint32_t first, uint32_t last, MutableByteSpan to, uint32_t to_slot) {
  open_ptrs(to, to_slot, last - first);
  std::memcpy(static_cast<void*>(ptrs(to) + to_slot), &NodeView(from).ptr(first),
              (last - first) * sizeof(DiskKeyPtr));
}

void node_move(MutableByteSpan from, uint32_t first, uint32_t last, MutableByteSpan to, uint32_t to_slot) {
  node_copy(from, first, last, to, to_slot);
  node_remove(from, first, last);
}

// Items and key pointers both begin with their key, so slot 0 needs no distinction.
Key first_key_of(ByteSpan block) { return header_of(block).nritems == 0 ? Key{} : LeafView(block).key(0); }

Key last_key_of(ByteSpan block) {
  uint32_t last = header_of(block).nritems - 1;
  return header_of(block).level == 0 ? LeafView(block).key(last) : NodeView(block).key(last);
}

void clear_unused_bytes(MutableByteSpan block) {
  uint32_t count = header(block).nritems;
  size_t start =
      sizeof(DiskHeader) + count * (header(block).level == 0 ? sizeof(DiskItem) : sizeof(DiskKeyPtr));
  size_t end = header(block).level == 0 ? start + leaf_free_bytes(block) : block.size();
  std::ranges::fill(block.subspan(start, end - start), std::byte{0});
}

}  // namespace butterfuse
