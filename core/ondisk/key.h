// SPDX-License-Identifier: GPL-2.0-or-later
// Key: what every item of every tree is sorted by.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "core/base/le.h"

namespace butterfuse {

struct Key {
  uint64_t objectid = 0;
  uint8_t type = 0;
  uint64_t offset = 0;
  friend constexpr auto operator<=>(const Key&, const Key&) = default;
};
constexpr Key kMaxKey{std::numeric_limits<uint64_t>::max(), 255, std::numeric_limits<uint64_t>::max()};

struct [[gnu::packed]] DiskKey {
  le64 objectid;
  uint8_t type;
  le64 offset;
  DiskKey() = default;
  constexpr DiskKey(const Key& key) : objectid(key.objectid), type(key.type), offset(key.offset) {}  // NOLINT
  constexpr operator Key() const { return {objectid, type, offset}; }                                // NOLINT
};
static_assert(sizeof(DiskKey) == 17);

std::string to_text(const Key& key);  // as btrfs dump-tree prints it: (256 INODE_ITEM 0)
std::string_view key_type_name(uint8_t type);
std::string objectid_name(uint64_t objectid, uint8_t type);
std::string tree_name(uint64_t id);  // EXTENT_TREE, DATA_RELOC_TREE; of a subvolume its number

}  // namespace butterfuse
