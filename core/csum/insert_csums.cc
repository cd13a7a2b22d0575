// SPDX-License-Identifier: GPL-2.0-or-later
// Adding checksums: over existing ones, at the end of the item before, or as new items.
#include <algorithm>

#include "core/btree/block_layout.h"
#include "core/csum/csum_item.h"
#include "core/csum/csum_tree.h"

namespace butterfuse {
namespace {

// The largest checksum item the kernel makes: what a leaf holds beside two item headers, less a checksum.
uint32_t item_bytes_max(const WriteCursor& cursor, const CsumGeometry& geometry) {
  uint32_t csums = (cursor.max_item_size() - kItemBytes) / geometry.csum_size - 1;
  return csums * geometry.csum_size;
}

class CsumInserter {
 public:
  CsumInserter(WriteCursor& cursor, const CsumGeometry& geometry, uint64_t bytenr, ByteSpan csums)
      : cursor_(cursor), geometry_(geometry), bytenr_(bytenr), csums_(csums) {}

  Status run() {
    while (!csums_.empty()) {
      BF_ASSIGN(bool stored, overwrite_or_append());
      if (!stored) BF_TRY(insert_item());
    }
    return {};
  }

 private:
  // Stores what it can in the item at or before the position; false when that item has nothing to offer.
  Result<bool> overwrite_or_append() {
    BF_ASSIGN(bool before, cursor_.seek_at_or_before(csum_key(bytenr_)));
    if (!before || !is_csum_key(cursor_.key())) return false;
    BF_ASSIGN(ByteRange item, csum_item_range(cursor_, geometry_));
    if (item.contains(bytenr_)) {
      uint64_t bytes = std::min<uint64_t>(csums_.size(), geometry_.csum_bytes(item.end - bytenr_));
      BF_TRY(store_at(geometry_.csum_bytes(bytenr_ - item.start), bytes));
      return true;
    }
    return item.end == bytenr_ ? append() : Result<bool>(false);
  }

  // Fills the item up as far as its leaf has room: a leaf that must be split gains nothing over a new item.
  Result<bool> append() {
    auto old_size = static_cast<uint32_t>(cursor_.data().size());
    uint32_t size_max = item_bytes_max(cursor_, geometry_);
    uint32_t room =
        std::min(leaf_free_bytes(cursor_.path().leaf().bytes()), size_max - std::min(size_max, old_size));
    BF_ASSIGN(uint64_t gap, bytes_before_next_item());
    auto bytes = static_cast<uint32_t>(std::min<uint64_t>({csums_.size(), room, gap}));
    bytes -= bytes % geometry_.csum_size;
    if (bytes == 0) return false;
    BF_TRY(cursor_.resize(old_size + bytes));
    BF_TRY(store_at(old_size, bytes));
    return true;
  }

  Status insert_item() {
    BF_TRY(cursor_.seek(csum_key(bytenr_)));
    BF_ASSIGN(uint64_t gap, bytes_before_item());
    uint64_t bytes = std::min<uint64_t>({csums_.size(), item_bytes_max(cursor_, geometry_), gap});
    BF_TRY(cursor_.insert(csum_key(bytenr_), csums_.first(bytes)));
    advance(bytes);
    return {};
  }

  // How many bytes of checksums fit between the position and the item under the cursor.
  Result<uint64_t> bytes_before_item() {
    if (!cursor_.valid()) return ~uint64_t{0};
    BF_ASSIGN(ByteRange next, csum_item_range(cursor_, geometry_));
    if (next.start > bytenr_) return geometry_.csum_bytes(next.start - bytenr_);
    return make_error(EUCLEAN, "corrupt csum tree: block={} item at {} overlaps the one before it",
                      cursor_.path().leaf().bytenr(), next.start);
  }

  // The same for the item behind the one under the cursor; the cursor stays where it is.
  Result<uint64_t> bytes_before_next_item() {
    Key key = cursor_.key();
    BF_TRY(cursor_.next());
    BF_ASSIGN(uint64_t bytes, bytes_before_item());
    BF_TRY(cursor_.seek(key));
    return bytes;
  }

  // Copies the next `bytes` checksums into the item under the cursor.
  Status store_at(uint64_t offset, uint64_t bytes) {
    BF_ASSIGN(MutableByteSpan data, cursor_.mutable_data());
    std::ranges::copy(csums_.first(bytes), data.begin() + static_cast<ptrdiff_t>(offset));
    advance(bytes);
    return {};
  }

  void advance(uint64_t bytes) {
    csums_ = csums_.subspan(bytes);
    bytenr_ += geometry_.data_bytes(bytes);
  }

  WriteCursor& cursor_;
  const CsumGeometry geometry_;
  uint64_t bytenr_;  // of the first checksum not yet stored
  ByteSpan csums_;   // not yet stored
};

}  // namespace

Status insert_csums(Tree& csum_tree, CowContext& context, uint64_t bytenr, ByteSpan csums,
                    uint32_t sectorsize, uint32_t csum_size) {
  const CsumGeometry geometry{sectorsize, csum_size};
  if (csums.size() % csum_size != 0) return make_error(EINVAL, "{} bytes of checksums", csums.size());
  BF_TRY(check_csum_arguments(ByteRange::at(bytenr, geometry.data_bytes(csums.size())), geometry));
  WriteCursor cursor(csum_tree, context);
  return CsumInserter(cursor, geometry, bytenr, csums).run();
}

}  // namespace butterfuse
