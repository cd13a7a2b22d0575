// SPDX-License-Identifier: GPL-2.0-or-later
// drop_file_extents: takes a range out of a file's extents, cutting those at its edges.
//
// One pass with one cursor, from left to right. References go last: where a leaf is shared, changing it
// makes references of its own for all its items, and a drop that came first could free an extent that is
// still used.
#include "core/items/file_extent_item.h"

namespace butterfuse {
namespace {

//              range         [---------------)
//  before it        [--)                             left alone
//  over its start         [-----)                    num_bytes shortened
//  inside                      [------)              removed, reference dropped
//  over its end                           [------)   key and offset moved forward: same reference, as it is
//                                                    keyed by start - offset
//  over both              [----------------------)   both cuts: two items, one more reference
class ExtentDropper {
 public:
  ExtentDropper(Tree& tree, TransactionHandle& handle, uint64_t ino, ByteRange range)
      : tree_(tree), handle_(handle), ino_(ino), range_(range), cursor_(tree, handle) {}

  Result<uint64_t> run() {
    BF_TRY(seek_first());
    while (at_item()) {
      BF_ASSIGN(FileExtent extent, checked_file_extent(cursor_.key(), cursor_.data()));
      BF_TRY(drop_from(extent));
    }
    if (changed_) BF_TRY(refs_.apply(handle_));
    return dropped_bytes_;
  }
  bool changed() const { return changed_; }

 private:
  Status seek_first() {
    BF_ASSIGN(bool found, cursor_.seek_at_or_before(file_extent_key(ino_, range_.start)));
    if (!found) {
      BF_TRY(cursor_.seek(file_extent_key(ino_, 0)));
    } else if (!is_file_extent_of(cursor_.key(), ino_)) {
      BF_TRY(cursor_.next());
    }
    return {};
  }

  bool at_item() const {
    return cursor_.valid() && is_file_extent_of(cursor_.key(), ino_) && cursor_.key().offset < range_.end;
  }

  // Inline data is one piece: it goes as a whole.
  bool inside(const FileExtent& extent) const {
    return extent.start >= range_.start &&
           (extent.end() <= range_.end || extent.kind == ExtentKind::inline_data);
  }

  // Handles the extent under the cursor and moves on.
  Status drop_from(const FileExtent& extent) {
    if (occupied_end(extent) <= range_.start) return cursor_.next();
    if (inside(extent)) return remove_inside();
    if (extent.kind == ExtentKind::inline_data)
      return make_error(EOPNOTSUPP, "root {} inode {}: inline extent of {} bytes can't be cut at {}",
                        tree_.id(), ino_, extent.num_bytes, range_.start);
    if (extent.start >= range_.start) return cut_front(extent);
    const bool over_both = extent.end() > range_.end;
    BF_TRY(cut_tail(extent));
    if (over_both) return insert_rest(extent);
    return cursor_.next();
  }

  Status remove_inside() {
    changed_ = true;
    return cursor_.remove_while([this](const Key& key, ByteSpan item) -> Result<bool> {
      if (!is_file_extent_of(key, ino_) || key.offset >= range_.end) return false;
      BF_ASSIGN(FileExtent extent, checked_file_extent(key, item));
      if (!inside(extent)) return false;
      refs_.drop(data_ref_of(tree_, ino_, extent));
      dropped_bytes_ += counted_bytes(extent, extent.num_bytes);
      return true;
    });
  }

  Status cut_tail(const FileExtent& extent) {
    changed_ = true;
    const uint64_t cut_bytes = std::min(extent.end(), range_.end) - range_.start;
    dropped_bytes_ += counted_bytes(extent, cut_bytes);
    return set_num_bytes(cursor_, range_.start - extent.start);
  }

  // The item behind the range, as it will be.
  DiskFileExtent rest_of(const FileExtent& extent) const {
    auto disk = cursor_.as<DiskFileExtent>();
    disk.num_bytes = extent.end() - range_.end;
    if (extent.disk_bytenr != 0) disk.offset = extent.offset + (range_.end - extent.start);
    return disk;
  }

  Status cut_front(const FileExtent& extent) {
    BF_TRY(check_order_behind());
    changed_ = true;
    dropped_bytes_ += counted_bytes(extent, range_.end - extent.start);
    BF_TRY(cursor_.replace(rest_of(extent)));
    return cursor_.set_key(file_extent_key(ino_, range_.end));
  }

  Status insert_rest(const FileExtent& extent) {
    const DiskFileExtent rest = rest_of(extent);
    refs_.add(data_ref_of(tree_, ino_, extent));  // start - offset is the same for both halves
    return cursor_.insert(file_extent_key(ino_, range_.end), object_bytes(rest));
  }

  // Extents of two leaves may overlap on a damaged image; moving a key over the next one would make it worse.
  Status check_order_behind() {
    BF_TRY(cursor_.next());
    if (!cursor_.valid()) {
      BF_TRY(cursor_.seek_at_or_before(kMaxKey));
      return {};
    }
    if (is_file_extent_of(cursor_.key(), ino_) && cursor_.key().offset <= range_.end)
      return make_error(EUCLEAN, "root {} {}: overlaps the extent before it", tree_.id(),
                        to_text(cursor_.key()));
    return cursor_.prev();
  }

  Tree& tree_;
  TransactionHandle& handle_;
  const uint64_t ino_;
  const ByteRange range_;
  WriteCursor cursor_;
  RefChanges refs_;
  uint64_t dropped_bytes_ = 0;
  bool changed_ = false;
};

}  // namespace

Result<uint64_t> drop_file_extents(Tree& tree, TransactionHandle& handle, uint64_t ino, ByteRange range) {
  if (range.empty()) return 0;
  ExtentDropper dropper(tree, handle, ino, range);
  Result<uint64_t> dropped = dropper.run();
  if (dropper.changed()) handle.note_file_extents(tree.id(), ino, range);
  if (!dropped && dropper.changed()) handle.abort(dropped.error());
  return dropped;
}

}  // namespace butterfuse
