// SPDX-License-Identifier: GPL-2.0-or-later
// Victim: an item of a tree block, changed as no engine would.
#pragma once

#include "tests/core/repair/repaired.h"

namespace butterfuse {

// The block and the slot are the caller's; the block's checksum is not kept right.
class Victim {
 public:
  Victim(std::vector<std::byte>& block, uint32_t slot) : block_(block), slot_(slot) {}
  void remove() {
    auto header = load<DiskHeader>(block_);
    std::byte* const items = block_.data() + sizeof header;
    std::memmove(items + slot_ * sizeof(DiskItem), items + (slot_ + 1) * sizeof(DiskItem),
                 (header.nritems - slot_ - 1) * sizeof(DiskItem));
    header.nritems = header.nritems - 1;
    store(MutableByteSpan(block_), header);
    close_gap();
  }
  void set_type(uint8_t type) {
    DiskItem item = LeafView(block_).item(slot_);
    item.key.type = type;
    store(MutableByteSpan(block_).subspan(sizeof(DiskHeader) + slot_ * sizeof item), item);
  }
  template <class T>
  void change(void (*change_it)(T&)) {
    const size_t at = sizeof(DiskHeader) + LeafView(block_).item(slot_).offset;
    auto object = load<T>(ByteSpan(block_).subspan(at));
    change_it(object);
    store(MutableByteSpan(block_).subspan(at), object);
  }

 private:
  // Data lies one behind the other in every leaf.
  void close_gap() {
    const std::vector<std::byte> old = block_;
    const LeafView leaf(old);
    size_t end = block_.size() - sizeof(DiskHeader);
    for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
      DiskItem item = leaf.item(slot);
      end -= item.size;
      std::copy(leaf.data(slot).begin(), leaf.data(slot).end(),
                block_.begin() + static_cast<ptrdiff_t>(sizeof(DiskHeader) + end));
      item.offset = static_cast<uint32_t>(end);
      store(MutableByteSpan(block_).subspan(sizeof(DiskHeader) + slot * sizeof item), item);
    }
  }

  std::vector<std::byte>& block_;
  const uint32_t slot_;
};

// The first item at or behind `key`.
inline void edit_item(const std::string& path, uint64_t tree, const Key& key,
                      const std::function<void(Victim& victim)>& edit) {
  uint64_t bytenr = root_block_of(path, tree);
  for (bool done = false; !done;) {
    edit_block(path, bytenr, [&](std::vector<std::byte>& block) {
      if (header_of(block).level == 0) {
        uint32_t slot = 0;
        while (slot < LeafView(block).count() && LeafView(block).key(slot) < key) ++slot;
        if (slot == LeafView(block).count()) throw std::runtime_error("no item at " + to_text(key));
        Victim victim(block, slot);
        edit(victim);
        done = true;
        return;
      }
      const NodeView node(block);
      uint32_t slot = 0;
      while (slot + 1 < node.count() && node.key(slot + 1) <= key) ++slot;
      bytenr = node.ptr(slot).blockptr;
    });
  }
}

}  // namespace butterfuse
