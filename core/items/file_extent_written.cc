// SPDX-License-Identifier: GPL-2.0-or-later
// mark_extent_written: a part of a PREALLOC item becomes a REG item.
#include <algorithm>
#include <optional>

#include "core/items/file_extent_item.h"

namespace butterfuse {
namespace {

//  before   [ REG )[ PREALLOC                   )[ REG )
//  written            [--------------)
//  after    [ REG )[P)[ REG          )[ PREALLOC )[ REG )    written neighbours that touch become one with it
//
// All of it under one lock of the tree: at no moment a reader finds a hole where data is.
class WrittenMarker {
 public:
  WrittenMarker(Tree& tree, TransactionHandle& handle, uint64_t ino, ByteRange range)
      : tree_(tree), handle_(handle), ino_(ino), range_(range), cursor_(tree, handle) {}

  Status run() {
    BF_ASSIGN(bool found, cursor_.seek_at_or_before(file_extent_key(ino_, range_.start)));
    BF_ASSIGN(const auto whole, found ? extent_here() : Result<std::optional<FileExtent>>(std::nullopt));
    if (!whole || whole->kind != ExtentKind::prealloc || !range_of(*whole).contains(range_)) {
      return make_error(EUCLEAN, "root {} inode {}: bytes {} to {} were written to an extent that is gone",
                        tree_.id(), ino_, range_.start, range_.end);
    }
    BF_TRY(choose_written(*whole));
    BF_TRY(replace_items(*whole));
    return settle_references(*whole);
  }

 private:
  static ByteRange range_of(const FileExtent& extent) { return {extent.start, extent.end()}; }

  // The item under the cursor, if it is one of this file.
  Result<std::optional<FileExtent>> extent_here() {
    if (!cursor_.valid() || !is_file_extent_of(cursor_.key(), ino_)) return std::optional<FileExtent>();
    BF_ASSIGN(FileExtent extent, checked_file_extent(cursor_.key(), cursor_.data()));
    return std::optional(std::move(extent));
  }

  // A written part of the same extent on disk.
  static bool continues(const std::optional<FileExtent>& other, const FileExtent& whole) {
    return other && other->kind == ExtentKind::regular && other->compression == compression_type::kNone &&
           other->disk_bytenr == whole.disk_bytenr && other->disk_num_bytes == whole.disk_num_bytes &&
           other->start - other->offset == whole.start - whole.offset;
  }

  // With its neighbours. Leaves the cursor on the first item that changes.
  Status choose_written(const FileExtent& whole) {
    written_ = whole;
    written_.kind = ExtentKind::regular;
    written_.generation = handle_.transid();
    ByteRange range = range_;
    if (range_.end == whole.end()) {
      BF_TRY(cursor_.next());
      BF_ASSIGN(const auto behind, extent_here());
      if (continues(behind, whole) && behind->start == range_.end) {
        range.end = behind->end();
        ++replaced_;
      }
      BF_TRY(cursor_.seek(file_extent_key(ino_, whole.start)));
    }
    if (range_.start == whole.start) {
      BF_TRY(cursor_.prev());
      BF_ASSIGN(const auto before, extent_here());
      if (continues(before, whole) && before->end() == range_.start) {
        range.start = before->start;
        ++replaced_;
      } else {
        BF_TRY(cursor_.seek(file_extent_key(ino_, whole.start)));
      }
    }
    written_ = part_of(written_, range);
    return {};
  }

  // `range` may reach beyond the item: into others of the same extent.
  static FileExtent part_of(const FileExtent& extent, ByteRange range) {
    FileExtent part = extent;
    part.start = range.start;
    part.num_bytes = range.length();
    part.offset = extent.offset + range.start - extent.start;
    return part;
  }

  // Up to three items go, up to three come: all in one or two leaves, which are copied once.
  Status replace_items(const FileExtent& whole) {
    uint32_t left = replaced_;
    BF_TRY(cursor_.remove_while([&left](const Key&, ByteSpan) -> Result<bool> { return left-- > 0; }));
    if (whole.start < range_.start) BF_TRY(insert(part_of(whole, {whole.start, range_.start})));
    BF_TRY(insert(written_));
    if (whole.end() > range_.end) BF_TRY(insert(part_of(whole, {range_.end, whole.end()})));
    return {};
  }

  Status insert(const FileExtent& extent) {
    ++inserted_;
    const DiskFileExtent disk = encode_file_extent(extent);
    return cursor_.insert(file_extent_key(ino_, extent.start), object_bytes(disk));
  }

  // All items make the same reference, each once.
  Status settle_references(const FileExtent& whole) {
    RefChanges refs;
    for (; inserted_ > replaced_; ++replaced_) refs.add(data_ref_of(tree_, ino_, whole));
    for (; inserted_ < replaced_; --replaced_) refs.drop(data_ref_of(tree_, ino_, whole));
    return refs.apply(handle_);
  }

  Tree& tree_;
  TransactionHandle& handle_;
  const uint64_t ino_;
  const ByteRange range_;
  WriteCursor cursor_;
  FileExtent written_;
  uint32_t replaced_ = 1, inserted_ = 0;  // items
};

}  // namespace

Status mark_extent_written(Tree& tree, TransactionHandle& handle, uint64_t ino, ByteRange range) {
  handle.note_file_extents(tree.id(), ino, range);
  Status marked = WrittenMarker(tree, handle, ino, range).run();
  if (!marked) handle.abort(marked.error());
  return marked;
}

}  // namespace butterfuse
