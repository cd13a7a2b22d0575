// SPDX-License-Identifier: GPL-2.0-or-later
// Edits of a leaf's bytes: items move as whole ranges, with one memmove of headers and one of data.
// A slot's data ends where the data of the slot before it begins: tree_checker has seen to that before a leaf
// from disk comes here.
#include <algorithm>

#include "core/btree/block_layout.h"

namespace butterfuse {
namespace {

DiskHeader& header(MutableByteSpan block) { return *reinterpret_cast<DiskHeader*>(block.data()); }
// Item offsets count from here.
std::byte* body(MutableByteSpan block) { return block.data() + sizeof(DiskHeader); }
DiskItem* items(MutableByteSpan leaf) { return reinterpret_cast<DiskItem*>(body(leaf)); }

// Where the data of the item before `slot` begins: the end of the data of `slot`.
uint32_t data_end(ByteSpan leaf, uint32_t slot) {
  return slot == 0 ? leaf_capacity(leaf.size()) : uint32_t{LeafView(leaf).item(slot - 1).offset};
}

void shift_offsets(MutableByteSpan leaf, uint32_t first, uint32_t last, uint32_t delta) {  // delta wraps
  for (DiskItem* item = items(leaf) + first; item != items(leaf) + last; ++item)
    item->offset = item->offset + delta;
}

// Moves the data of items >= slot by delta bytes, that of the others stays.
void shift_data(MutableByteSpan leaf, uint32_t slot, int64_t delta) {
  uint32_t count = header(leaf).nritems;
  uint32_t start = data_end(leaf, count);
  uint32_t end = data_end(leaf, slot);
  std::memmove(body(leaf) + start + delta, body(leaf) + start, end - start);
  shift_offsets(leaf, slot, count, static_cast<uint32_t>(delta));
}

// Opens a gap for `count` headers before item `slot`.
void open_headers(MutableByteSpan leaf, uint32_t slot, uint32_t count) {
  uint32_t old_count = header(leaf).nritems;
  std::memmove(static_cast<void*>(items(leaf) + slot + count), items(leaf) + slot,
               (old_count - slot) * kItemBytes);
  header(leaf).nritems = old_count + count;
}

}  // namespace

uint32_t leaf_free_bytes(ByteSpan leaf) {
  uint32_t count = header_of(leaf).nritems;
  return data_end(leaf, count) - count * kItemBytes;
}

uint32_t leaf_range_bytes(ByteSpan leaf, uint32_t first, uint32_t last) {
  return data_end(leaf, first) - data_end(leaf, last) + (last - first) * kItemBytes;
}

MutableByteSpan leaf_data(MutableByteSpan leaf, uint32_t slot) {
  const DiskItem& item = items(leaf)[slot];
  return leaf.subspan(sizeof(DiskHeader) + item.offset, item.size);
}

MutableByteSpan leaf_insert(MutableByteSpan leaf, uint32_t slot, const Key& key, uint32_t size) {
  uint32_t end = data_end(leaf, slot);
  shift_data(leaf, slot, -int64_t{size});
  open_headers(leaf, slot, 1);
  DiskItem& item = items(leaf)[slot];
  item.key = key;
  item.offset = end - size;
  item.size = size;
  return leaf_data(leaf, slot);
}

void leaf_remove(MutableByteSpan leaf, uint32_t first, uint32_t last) {
  if (first == last) return;
  uint32_t count = header(leaf).nritems;
  shift_data(leaf, last, data_end(leaf, first) - data_end(leaf, last));
  std::memmove(static_cast<void*>(items(leaf) + first), items(leaf) + last, (count - last) * kItemBytes);
  header(leaf).nritems = count - (last - first);
}

void leaf_resize(MutableByteSpan leaf, uint32_t slot, uint32_t size) {
  DiskItem& item = items(leaf)[slot];
  uint32_t old_size = item.size;
  uint32_t kept = std::min(old_size, size);
  uint32_t old_offset = item.offset;
  uint32_t new_offset = old_offset + old_size - size;
  // When cutting, the kept bytes overwrite what follows them;
  // when growing, the data below must get out of the way.
  if (size < old_size) std::memmove(body(leaf) + new_offset, body(leaf) + old_offset, kept);
  shift_data(leaf, slot + 1, int64_t{old_size} - int64_t{size});
  if (size > old_size) {
    std::memmove(body(leaf) + new_offset, body(leaf) + old_offset, kept);
    std::memset(body(leaf) + new_offset + kept, 0, size - kept);
  }
  item.offset = new_offset;
  item.size = size;
}

void leaf_set_key(MutableByteSpan leaf, uint32_t slot, const Key& key) { items(leaf)[slot].key = key; }

void leaf_copy(ByteSpan from, uint32_t first, uint32_t last, MutableByteSpan to, uint32_t to_slot) {
  if (first == last) return;
  uint32_t from_start = data_end(from, last);
  uint32_t data_bytes = data_end(from, first) - from_start;
  uint32_t to_end = data_end(to, to_slot);
  shift_data(to, to_slot, -int64_t{data_bytes});
  open_headers(to, to_slot, last - first);
  std::memcpy(static_cast<void*>(items(to) + to_slot), &LeafView(from).item(first),
              (last - first) * kItemBytes);
  std::memcpy(body(to) + to_end - data_bytes, from.data() + sizeof(DiskHeader) + from_start, data_bytes);
  shift_offsets(to, to_slot, to_slot + (last - first), to_end - data_bytes - from_start);
}

void leaf_move(MutableByteSpan from, uint32_t first, uint32_t last, MutableByteSpan to, uint32_t to_slot) {
  leaf_copy(from, first, last, to, to_slot);
  leaf_remove(from, first, last);
}

}  // namespace butterfuse
