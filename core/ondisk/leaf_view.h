// SPDX-License-Identifier: GPL-2.0-or-later
// LeafView and NodeView: typed reading of a tree block's bytes that passed tree_checker.
#pragma once

#include "core/base/bytes.h"
#include "core/ondisk/format.h"

namespace butterfuse {

inline const DiskHeader& header_of(ByteSpan block) {
  return *reinterpret_cast<const DiskHeader*>(block.data());
}

// Both check nothing: REQUIRES slot < count().
class LeafView {
 public:
  explicit LeafView(ByteSpan block) : block_(block) {}
  uint32_t count() const { return header_of(block_).nritems; }
  const DiskItem& item(uint32_t slot) const {
    return reinterpret_cast<const DiskItem*>(block_.data() + sizeof(DiskHeader))[slot];
  }
  Key key(uint32_t slot) const { return item(slot).key; }
  ByteSpan data(uint32_t slot) const {
    return block_.subspan(sizeof(DiskHeader) + item(slot).offset, item(slot).size);
  }

 private:
  ByteSpan block_;
};

class NodeView {
 public:
  explicit NodeView(ByteSpan block) : block_(block) {}
  uint32_t count() const { return header_of(block_).nritems; }
  const DiskKeyPtr& ptr(uint32_t slot) const {
    return reinterpret_cast<const DiskKeyPtr*>(block_.data() + sizeof(DiskHeader))[slot];
  }
  Key key(uint32_t slot) const { return ptr(slot).key; }

 private:
  ByteSpan block_;
};

// Of a leaf or node.
inline Key key_at(ByteSpan block, uint32_t slot) {
  return header_of(block).level == 0 ? LeafView(block).key(slot) : NodeView(block).key(slot);
}

}  // namespace butterfuse
