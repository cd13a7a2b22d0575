// SPDX-License-Identifier: GPL-2.0-or-later
// truncate_file_extents: takes a file's extents away from its end, a bounded number at a time.
//
//     walk_back      back over at most max_items that go      sizes the step, changes nothing
//     shorten        the item that the new end lies in        only in the last step
//     remove         forward to the end, in one go
//
// From the end, so that what is left after each step is a file of a smaller size: a crash between two steps,
// whose disk size follows new_end, leaves no hole in front of data. Bounded, since one transaction must have
// room for all it drops.
#include "core/items/file_extent_item.h"
#include "core/items/inline_data.h"

namespace butterfuse {
namespace {

class ExtentTruncator {
 public:
  ExtentTruncator(Tree& tree, TransactionHandle& handle, uint64_t ino, uint64_t new_size, uint32_t max_items)
      : tree_(tree),
        handle_(handle),
        ino_(ino),
        new_size_(new_size),
        cut_(round_up(new_size, kSectorSize)),
        max_items_(std::max(max_items, 1u)),
        cursor_(tree, handle) {}

  Result<TruncateStep> run() {
    TruncateStep step{.done = true, .new_end = new_size_};
    BF_TRY(cursor_.seek_at_or_before(file_extent_key(ino_, kMaxKey.offset)));
    BF_TRY(walk_back());
    if (removable_ == max_items_) {
      step.done = false;
      step.new_end = std::max(first_removable_, new_size_);
    } else {
      if (at_item()) BF_TRY(shorten_crossing());
      if (removable_ > 0) BF_TRY(seek_first_removable());
    }
    if (removable_ > 0) BF_TRY(remove_to_end());
    if (changed_) BF_TRY(refs_.apply(handle_));
    step.nbytes_dropped = dropped_bytes_;
    return step;
  }
  bool changed() const { return changed_; }

 private:
  bool at_item() const { return cursor_.valid() && is_file_extent_of(cursor_.key(), ino_); }

  bool goes_whole(const FileExtent& extent) const {
    return extent.kind == ExtentKind::inline_data ? new_size_ == 0 : extent.start >= cut_;
  }

  // From the last item back over at most max_items that go; ends on the last of these when the limit was met,
  // else on the item before them (or nowhere).
  Status walk_back() {
    while (at_item()) {
      BF_ASSIGN(FileExtent extent, checked_file_extent(cursor_.key(), cursor_.data()));
      if (!goes_whole(extent)) return {};
      first_removable_ = extent.start;
      if (++removable_ == max_items_) return {};
      BF_TRY(cursor_.prev());
    }
    return {};
  }

  Status seek_first_removable() {
    if (cursor_.valid()) return cursor_.next();
    BF_TRY(cursor_.seek(file_extent_key(ino_, first_removable_)));
    return {};
  }

  Status remove_to_end() {
    changed_ = true;
    return cursor_.remove_while([this](const Key& key, ByteSpan item) -> Result<bool> {
      if (!is_file_extent_of(key, ino_)) return false;
      BF_ASSIGN(FileExtent extent, checked_file_extent(key, item));
      refs_.drop(data_ref_of(tree_, ino_, extent));
      dropped_bytes_ += counted_bytes(extent, extent.num_bytes);
      return true;
    });
  }

  // The extent under the cursor stays; what it has behind the cut goes.
  Status shorten_crossing() {
    BF_ASSIGN(FileExtent extent, checked_file_extent(cursor_.key(), cursor_.data()));
    if (extent.kind == ExtentKind::inline_data)
      return extent.ram_bytes > new_size_ ? shorten_inline(extent) : Status();
    if (extent.end() <= cut_) return {};
    changed_ = true;
    dropped_bytes_ += counted_bytes(extent, extent.end() - cut_);
    return set_num_bytes(cursor_, cut_ - extent.start);
  }

  Status shorten_inline(const FileExtent& extent) {
    std::vector<std::byte> plain;
    if (extent.compression != compression_type::kNone) {
      // Uncompressed it may not fit a small leaf: then it stays, and the zeroed tail that the caller writes
      // back replaces it (as in the kernel).
      if (kInlineHeadBytes + new_size_ > cursor_.max_item_size()) return {};
      plain.resize(new_size_);
      BF_TRY(read_inline_data(decode_file_extent(cursor_.key(), cursor_.data()), plain));
    }
    changed_ = true;
    auto head = cursor_.as<DiskFileExtentInline>();
    head.ram_bytes = new_size_;
    head.compression = compression_type::kNone;
    BF_TRY(cursor_.resize(static_cast<uint32_t>(kInlineHeadBytes + new_size_)));
    BF_ASSIGN(MutableByteSpan bytes, cursor_.mutable_data());
    store(bytes, head);
    if (!plain.empty()) std::memcpy(bytes.data() + kInlineHeadBytes, plain.data(), plain.size());
    dropped_bytes_ += extent.ram_bytes - new_size_;
    return {};
  }

  Tree& tree_;
  TransactionHandle& handle_;
  const uint64_t ino_;
  const uint64_t new_size_;
  const uint64_t cut_;  // new_size rounded up: sectors from here on go
  const uint32_t max_items_;
  WriteCursor cursor_;
  RefChanges refs_;
  uint32_t removable_ = 0;
  uint64_t first_removable_ = 0;
  uint64_t dropped_bytes_ = 0;
  bool changed_ = false;
};

}  // namespace

Result<TruncateStep> truncate_file_extents(Tree& tree, TransactionHandle& handle, uint64_t ino,
                                           uint64_t new_size, uint32_t max_items) {
  ExtentTruncator truncator(tree, handle, ino, new_size, max_items);
  Result<TruncateStep> step = truncator.run();
  if (truncator.changed()) handle.note_file_extents(tree.id(), ino, {new_size, ~uint64_t{0}});
  if (!step && truncator.changed()) handle.abort(step.error());
  return step;
}

}  // namespace butterfuse
