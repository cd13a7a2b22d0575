// Writing in place: the rules of btrfs for extents that need no copy-on-write.
#include "core/writeback/in_place.h"

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

bool is_written_part_of(const FileExtent& extent, const InPlaceRange& place) {
  return extent.kind == ExtentKind::regular && extent.compression == compression_type::kNone &&
         extent.disk_bytenr == place.whole.start && extent.disk_num_bytes == place.whole.length() &&
         extent.start - extent.offset == place.file.start - (place.disk.start - place.whole.start);
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

Status mark_prealloc_written(DataOwner& owner, const InPlaceRange& place, TransactionHandle& handle) {
  Tree& tree = owner.tree();
  const ByteRange around{place.file.start == 0 ? 0 : place.file.start - 1, place.file.end + 1};
  BF_ASSIGN(const auto extents, list_file_extents(tree, owner.ino(), around));
  ByteRange written = place.file;
  for (const FileExtent& extent : extents) {
    if (!is_written_part_of(extent, place)) continue;
    written = {std::min(written.start, extent.start), std::max(written.end, extent.end())};
  }
  FileExtent item;
  item.kind = ExtentKind::regular;
  item.start = written.start;
  item.num_bytes = written.length();
  item.disk_bytenr = place.whole.start;
  item.disk_num_bytes = item.ram_bytes = place.whole.length();
  item.offset = place.disk.start - place.whole.start - (place.file.start - written.start);
  item.generation = handle.transid();
  BF_TRY(drop_file_extents(tree, handle, owner.ino(), written));
  return insert_file_extent(tree, handle, owner.ino(), item, false);
}

}  // namespace butterfuse
