// SPDX-License-Identifier: GPL-2.0-or-later
// separate_extents: the items of an overlap are painted one over the other, oldest first.
//
//     generation 7   ├──────────────────────────┤
//     generation 9            ├──────┤
//     stays          ├───7────┼──9───┼────7─────┤        one item more than before
//
// A regular extent may be cut anywhere at a sector: an item says which part of the extent it stands
// for. Inline data has no such field, so that of it nothing is left where a newer item needs a byte of
// its sectors.
#include "core/survey/overlapping_extents.h"

#include <algorithm>
#include <map>

#include "core/base/byte_range.h"
#include "core/ondisk/format.h"

namespace butterfuse::repair {
namespace {

bool is_extent(const Key& key, ByteSpan data) {
  if (key.type != key_type::kExtentData || data.size() < sizeof(DiskFileExtentInline)) return false;
  return load<DiskFileExtentInline>(data).type == file_extent_type::kInline ||
         data.size() >= sizeof(DiskFileExtent);
}

bool is_inline(ByteSpan data) { return load<DiskFileExtentInline>(data).type == file_extent_type::kInline; }

// What the item keeps others from: inline data owns whole sectors.
ByteRange range_of(const Key& key, ByteSpan data) {
  if (is_inline(data))
    return {key.offset, round_up(key.offset + load<DiskFileExtentInline>(data).ram_bytes, kSectorSize)};
  return {key.offset, key.offset + load<DiskFileExtent>(data).num_bytes};
}

// The generation is at the same place in both kinds of item.
uint64_t generation_of(const TreeItem& item) { return load<DiskFileExtentInline>(item.data).generation; }

// Extents that do not overlap: each one painted takes its bytes from those before it.
class Painting {
 public:
  void add(TreeItem item) {
    clear(range_of(item.key, item.data));
    const uint64_t start = item.key.offset;
    pieces_[start] = std::move(item);
  }
  std::map<uint64_t, TreeItem>& pieces() { return pieces_; }
  uint32_t given_way() const { return given_way_; }

 private:
  void clear(ByteRange range) {
    auto piece = pieces_.lower_bound(range.start);
    if (piece != pieces_.begin()) {
      const TreeItem& before = std::prev(piece)->second;
      if (range_of(before.key, before.data).end > range.start) --piece;
    }
    while (piece != pieces_.end() && piece->first < range.end) {
      const TreeItem old = std::move(piece->second);
      piece = pieces_.erase(piece);
      ++given_way_;
      if (!is_inline(old.data)) keep_ends(old, range);
    }
  }

  void keep_ends(const TreeItem& old, ByteRange range) {
    const ByteRange whole = range_of(old.key, old.data);
    if (whole.start < range.start) keep(old, {whole.start, range.start});
    if (whole.end > range.end) keep(old, {range.end, whole.end});
  }

  void keep(const TreeItem& old, ByteRange part) {
    TreeItem& piece = pieces_[part.start] = old;
    auto extent = load<DiskFileExtent>(old.data);
    if (extent.disk_bytenr != 0) extent.offset = extent.offset + (part.start - old.key.offset);
    extent.num_bytes = part.length();
    piece.key.offset = part.start;
    store(MutableByteSpan(piece.data), extent);
  }

  std::map<uint64_t, TreeItem> pieces_;  // by file offset
  uint32_t given_way_ = 0;
};

using Items = std::vector<TreeItem>;

// Behind the last item that overlaps the one at `first`, or another one that does.
Items::iterator end_of_overlap(Items::iterator first, Items::iterator end) {
  uint64_t covered = range_of(first->key, first->data).end;
  auto item = std::next(first);
  for (; item != end && item->key.objectid == first->key.objectid && is_extent(item->key, item->data) &&
         item->key.offset < covered;
       ++item)
    covered = std::max(covered, range_of(item->key, item->data).end);
  return item;
}

}  // namespace

void OverlapWatch::add(const Key& key, ByteSpan data) {
  if (!is_extent(key, data)) return;
  found_ |= key.objectid == ino_ && key.offset < end_;
  ino_ = key.objectid;
  end_ = range_of(key, data).end;
}

uint32_t separate_extents(std::vector<TreeItem>& items) {
  uint32_t given_way = 0;
  Items separate;
  separate.reserve(items.size());
  for (auto item = items.begin(); item != items.end();) {
    const auto behind =
        is_extent(item->key, item->data) ? end_of_overlap(item, items.end()) : std::next(item);
    if (behind - item == 1) {
      separate.push_back(std::move(*item++));
      continue;
    }
    std::stable_sort(item, behind, [](const TreeItem& a, const TreeItem& b) {
      return generation_of(a) < generation_of(b);
    });
    Painting painting;
    for (; item != behind; ++item) painting.add(std::move(*item));
    for (auto& [start, piece] : painting.pieces()) separate.push_back(std::move(piece));
    given_way += painting.given_way();
  }
  items = std::move(separate);
  return given_way;
}

}  // namespace butterfuse::repair
