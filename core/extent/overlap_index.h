// SPDX-License-Identifier: GPL-2.0-or-later
// OverlapIndex: ranges that may overlap each other, found by what they overlap.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

#include "core/base/byte_range.h"

namespace butterfuse {

// A balanced tree by class of length, then by start. By start alone would not do: one long range far before
// may reach over any number of short ones, and all of those would have to be looked at.
//
//     class 12 (over 2 to 4 KiB)                a┤   b┤       c┤      d┤
//     class 16 (over 32 to 64 KiB)     e──────────────┤    f────────────────┤
//     asked for                                           [range)
//
// In class k nothing is longer than 2^k: only what begins less than that before `range` can reach it. Nor is
// anything as short as half of it: those that begin there are few, but where they lie on top of each other.
// So a look-up is some steps down the tree for each class that there is: at most 16 from a sector to the
// longest extent.
//
// Not thread-safe. Ranges are of 1 to 2^63 bytes. The id tells equal ranges apart.
template <class Value>
class OverlapIndex {
 public:
  struct Key {
    int length_class = 0;
    uint64_t start = 0;
    uint64_t id = 0;
    friend constexpr auto operator<=>(const Key&, const Key&) = default;
  };
  static constexpr Key kBehindAll{65, 0, 0};
  struct Entry {
    Key key;
    uint64_t end = 0;
    Value value;
    ByteRange range() const { return {key.start, end}; }
  };

  static Key key_of(ByteRange range, uint64_t id) {
    return {static_cast<int>(std::bit_width(range.length() - 1)), range.start, id};
  }

  // REQUIRES that no equal range has that id.
  void add(ByteRange range, uint64_t id, Value value) {
    const Key key = key_of(range, id);
    entries_.emplace(key, Entry{key, range.end, std::move(value)});
  }
  // False: it was not there.
  bool remove(ByteRange range, uint64_t id) { return entries_.erase(key_of(range, id)) == 1; }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

  // Of those before `before` in the order of keys the last that overlaps `range`; null where there is none.
  // From kBehindAll on it goes backwards over all of them, and what is added or removed meanwhile does no
  // harm.
  const Entry* overlap_before(Key before, ByteRange range) const {
    for (auto at = entries_.lower_bound(before); at != entries_.begin();) {
      const Entry& entry = std::prev(at)->second;
      const Key& key = entry.key;
      if (key.start >= range.end) {
        at = entries_.lower_bound({key.length_class, range.end, 0});
      } else if (entry.end > range.start) {
        return &entry;
      } else if ((range.start - key.start) >> key.length_class == 0) {
        --at;
      } else {
        at = entries_.lower_bound({key.length_class, 0, 0});
      }
    }
    return nullptr;
  }

  // Calls visit(value) for each, in no order that means anything.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [key, entry] : entries_) visit(entry.value);
  }

 private:
  std::map<Key, Entry> entries_;
};

}  // namespace butterfuse
