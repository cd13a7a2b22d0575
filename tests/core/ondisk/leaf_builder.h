// SPDX-License-Identifier: GPL-2.0-or-later
// LeafBuilder: a well-formed leaf around the items that a test wants judged.
#pragma once

#include <algorithm>
#include <vector>

#include "core/ondisk/leaf_view.h"
#include "core/ondisk/tree_checker.h"

namespace butterfuse {

struct LeafBuilder {
  TreeCheckContext context{.nodesize = 16384,
                           .sectorsize = 4096,
                           .incompat = incompat::kSkinnyMetadata | incompat::kNoHoles,
                           .total_bytes = 1 << 30,
                           .generation = 100,
                           .csum_size = 4};
  uint64_t owner = objectid::kFsTree;
  std::vector<std::pair<Key, std::vector<std::byte>>> items;

  LeafBuilder& add(const Key& key, std::vector<std::byte> item) {
    items.emplace_back(key, std::move(item));
    return *this;
  }
  template <class T>
  LeafBuilder& add(const Key& key, const T& object, std::string_view behind = {}) {
    std::vector<std::byte> item(sizeof(T) + behind.size());
    store(MutableByteSpan(item), object);
    std::ranges::copy(as_bytes(behind), item.begin() + sizeof(T));
    return add(key, std::move(item));
  }

  std::vector<std::byte> build() const {
    std::vector<std::byte> block(context.nodesize);
    DiskHeader header{};
    header.bytenr = 1 << 20;
    header.generation = 99;
    header.owner = owner;
    header.nritems = static_cast<uint32_t>(items.size());
    store(MutableByteSpan(block), header);
    auto end = static_cast<uint32_t>(block.size() - sizeof(DiskHeader));
    for (size_t slot = 0; slot < items.size(); ++slot) {
      const auto& [key, data] = items[slot];
      end -= static_cast<uint32_t>(data.size());
      DiskItem item{key, end, static_cast<uint32_t>(data.size())};
      store(MutableByteSpan(block).subspan(sizeof(DiskHeader) + slot * sizeof(DiskItem)), item);
      std::ranges::copy(data, block.begin() + sizeof(DiskHeader) + end);
    }
    return block;
  }
  Status check(TreeCheckDepth depth = TreeCheckDepth::full) const {
    TreeCheckContext chosen = context;
    chosen.depth = depth;
    return check_tree_block(chosen, build());
  }
};

}  // namespace butterfuse
