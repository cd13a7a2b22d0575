// SPDX-License-Identifier: GPL-2.0-or-later
// Writing in place: the rules of btrfs for extents that need no copy-on-write.
#include "core/file_data/in_place.h"

#include "core/items/file_extent.h"

namespace butterfuse {
namespace {

// An extent from before the last snapshot is the snapshot's too.
bool may_be_in_place(DataOwner& owner, const FileExtent& extent) {
  const bool kind = extent.kind == ExtentKind::prealloc ||
                    (extent.kind == ExtentKind::regular && owner.nodatacow() && owner.nodatasum());
  return kind && extent.compression == compression_type::kNone &&
         extent.generation > owner.tree().last_snapshot();
}

DataRef ref_of(DataOwner& owner, const FileExtent& extent) {
  return {.bytenr = extent.disk_bytenr,
          .num_bytes = extent.disk_num_bytes,
          .root = owner.tree().id(),
          .objectid = owner.ino(),
          .offset = extent.start - extent.offset};
}

}  // namespace

Result<std::vector<InPlaceRange>> in_place_ranges(Filesystem& filesystem, DataOwner& owner, ByteRange file) {
  BF_ASSIGN(const auto extents, list_file_extents(owner.tree(), owner.ino(), file));
  std::vector<InPlaceRange> ranges;
  std::optional<TransactionHandle> handle;
  for (const FileExtent& extent : extents) {
    if (!may_be_in_place(owner, extent)) continue;
    if (!handle) {
      BF_ASSIGN(TransactionHandle joined, filesystem.begin_reserved({}));
      handle.emplace(std::move(joined));
    }
    BF_ASSIGN(const bool exclusive, handle->is_exclusive(ref_of(owner, extent)));
    if (!exclusive) continue;
    const ByteRange part = ByteRange{extent.start, extent.end()}.intersection(file);
    const uint64_t disk = extent.disk_bytenr + extent.offset + (part.start - extent.start);
    ranges.push_back({part, ByteRange::at(disk, part.length()),
                      ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes),
                      extent.kind == ExtentKind::prealloc});
  }
  return ranges;
}

}  // namespace butterfuse
