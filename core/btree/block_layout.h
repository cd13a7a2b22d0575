// SPDX-License-Identifier: GPL-2.0-or-later
// Block layout: edits of a block's bytes: items in and out of leaves, pointers in and out of nodes.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/ondisk/leaf_view.h"

namespace butterfuse {

// The data of items lies packed from the block's end downwards in slot order, as the kernel requires.
//
//   | header | item 0 | item 1 | ... | free bytes | ... | data 1 | data 0 |
//
// All functions REQUIRE slots in range and room for what goes in.
constexpr uint32_t kItemBytes = sizeof(DiskItem);

constexpr uint32_t leaf_capacity(size_t nodesize) {
  return static_cast<uint32_t>(nodesize - sizeof(DiskHeader));
}
uint32_t leaf_free_bytes(ByteSpan leaf);
inline uint32_t leaf_used_bytes(ByteSpan leaf) { return leaf_capacity(leaf.size()) - leaf_free_bytes(leaf); }
// Bytes that items [first, last) take, their headers included.
uint32_t leaf_range_bytes(ByteSpan leaf, uint32_t first, uint32_t last);

MutableByteSpan leaf_data(MutableByteSpan leaf, uint32_t slot);
// The data is not cleared.
MutableByteSpan leaf_insert(MutableByteSpan leaf, uint32_t slot, const Key& key, uint32_t size);
void leaf_remove(MutableByteSpan leaf, uint32_t first, uint32_t last);
// At the data's end; new bytes are zero.
void leaf_resize(MutableByteSpan leaf, uint32_t slot, uint32_t size);
void leaf_set_key(MutableByteSpan leaf, uint32_t slot, const Key& key);
// Copies items [first, last) of one leaf into another, before its item `to_slot`;
// move takes them out of `from`.
void leaf_copy(ByteSpan from, uint32_t first, uint32_t last, MutableByteSpan to, uint32_t to_slot);
void leaf_move(MutableByteSpan from, uint32_t first, uint32_t last, MutableByteSpan to, uint32_t to_slot);

constexpr uint32_t node_capacity(size_t nodesize) {
  return static_cast<uint32_t>((nodesize - sizeof(DiskHeader)) / sizeof(DiskKeyPtr));
}
void node_insert(MutableByteSpan node, uint32_t slot, const Key& key, uint64_t blockptr, uint64_t generation);
void node_remove(MutableByteSpan node, uint32_t first, uint32_t last);
void node_set_key(MutableByteSpan node, uint32_t slot, const Key& key);
void node_set_ptr(MutableByteSpan node, uint32_t slot, uint64_t blockptr, uint64_t generation);
void node_copy(ByteSpan from, uint32_t first, uint32_t last, MutableByteSpan to, uint32_t to_slot);
void node_move(MutableByteSpan from, uint32_t first, uint32_t last, MutableByteSpan to, uint32_t to_slot);

// The first key of a leaf or node; a null key when it is empty.
Key first_key_of(ByteSpan block);
Key last_key_of(ByteSpan block);  // REQUIRES a count > 0
// Zeroes what no item or pointer uses, so that old content never reaches the disk.
void clear_unused_bytes(MutableByteSpan block);

}  // namespace butterfuse
