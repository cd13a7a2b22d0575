// SPDX-License-Identifier: GPL-2.0-or-later
// Removing checksums: whole items in runs, and the parts of items at the edges.
#include <algorithm>

#include "core/csum/csum_item.h"
#include "core/csum/csum_tree.h"

namespace butterfuse {
namespace {

//   item:   | kept head | removed | kept tail |     the tail becomes an item of its own
Status cut_middle(WriteCursor& cursor, const CsumGeometry& geometry, ByteRange item, ByteRange removed) {
  ByteSpan old_tail = cursor.data().subspan(geometry.csum_bytes(removed.end - item.start));
  CsumBytes tail(old_tail.begin(), old_tail.end());
  BF_TRY(cursor.resize(static_cast<uint32_t>(geometry.csum_bytes(removed.start - item.start))));
  return cursor.insert(csum_key(removed.end), tail);
}

Status cut_head(WriteCursor& cursor, const CsumGeometry& geometry, ByteRange item, uint64_t new_start) {
  BF_ASSIGN(MutableByteSpan data, cursor.mutable_data());
  MutableByteSpan kept = data.subspan(geometry.csum_bytes(new_start - item.start));
  std::memmove(data.data(), kept.data(), kept.size());
  BF_TRY(cursor.resize(static_cast<uint32_t>(kept.size())));
  return cursor.set_key(csum_key(new_start));
}

// Cuts the item that covers the range's start, when it begins before that.
Status cut_at_start(WriteCursor& cursor, const CsumGeometry& geometry, ByteRange removed) {
  BF_ASSIGN(ByteRange item, csum_item_range(cursor, geometry));
  if (item.start >= removed.start) return {};
  if (item.end > removed.end) return cut_middle(cursor, geometry, item, removed);
  BF_TRY(cursor.resize(static_cast<uint32_t>(geometry.csum_bytes(removed.start - item.start))));
  return cursor.next();
}

}  // namespace

Status delete_csums(Tree& csum_tree, CowContext& context, ByteRange bytenrs, uint32_t sectorsize,
                    uint32_t csum_size) {
  const CsumGeometry geometry{sectorsize, csum_size};
  BF_TRY(check_csum_arguments(bytenrs, geometry));
  if (bytenrs.empty()) return {};
  WriteCursor cursor(csum_tree, context);
  BF_ASSIGN(bool covered, seek_csum(cursor, bytenrs.start, geometry));
  if (covered) BF_TRY(cut_at_start(cursor, geometry, bytenrs));
  BF_TRY(cursor.remove_while([&](const Key& key, ByteSpan csums) -> Result<bool> {
    if (key.objectid != objectid::kExtentCsum || key.type != key_type::kExtentCsum) return false;
    return key.offset < bytenrs.end && geometry.data_bytes(csums.size()) <= bytenrs.end - key.offset;
  }));
  if (!cursor.valid() || cursor.key() >= csum_key(bytenrs.end)) return {};
  BF_ASSIGN(ByteRange item, csum_item_range(cursor, geometry));
  return cut_head(cursor, geometry, item, bytenrs.end);
}

}  // namespace butterfuse
