// SPDX-License-Identifier: GPL-2.0-or-later
// EXTENT_DATA items: decoding, checking and encoding one of them.
//
//     file          │  start        end()│            num_bytes = end() - start
//     extent  ┌─────┼────────────────────┼───┐        ram_bytes: all of it, uncompressed
//             └─────┴────────────────────┴───┘        offset: from its begin to `start`
//     on disk       disk_bytenr, disk_num_bytes       of the whole extent, also where a file uses a part
//
// The reference is keyed by start - offset: where the extent would begin in the file. So all items that are
// cut from one item make the same reference, and cutting an item moves none.
#include "core/items/file_extent_item.h"

namespace butterfuse {
namespace {

ExtentKind kind_of(const DiskFileExtent& disk) {
  if (disk.type == file_extent_type::kPrealloc) return ExtentKind::prealloc;
  return disk.disk_bytenr == 0 ? ExtentKind::hole : ExtentKind::regular;
}

FileExtent decode_without_data(const Key& key, ByteSpan item) {
  FileExtent extent;
  extent.start = key.offset;
  if (item.size() < kInlineHeadBytes) return extent;
  const auto head = load<DiskFileExtentInline>(item);
  extent.generation = head.generation;
  extent.ram_bytes = head.ram_bytes;
  extent.compression = head.compression;
  if (head.type == file_extent_type::kInline) {
    extent.kind = ExtentKind::inline_data;
    extent.num_bytes = head.ram_bytes;
    return extent;
  }
  if (item.size() < sizeof(DiskFileExtent)) return extent;
  const auto disk = load<DiskFileExtent>(item);
  extent.kind = kind_of(disk);
  extent.num_bytes = disk.num_bytes;
  extent.disk_bytenr = disk.disk_bytenr;
  extent.disk_num_bytes = disk.disk_num_bytes;
  extent.offset = disk.offset;
  return extent;
}

// Only at the start of a file, as the kernel writes them; what comes of it in memory must have a bound.
Status check_inline(const FileExtent& extent, size_t stored_bytes) {
  if (extent.start != 0) return make_error(EUCLEAN, "inline extent at file offset {}", extent.start);
  const uint64_t ram_max = extent.compression == compression_type::kNone ? stored_bytes : kMaxCompressedBytes;
  if (extent.ram_bytes > ram_max)
    return make_error(EUCLEAN, "inline extent has ram_bytes {}, at most {} are possible", extent.ram_bytes,
                      ram_max);
  return {};
}

Status check_regular(const FileExtent& extent) {
  if (extent.num_bytes == 0 || extent.num_bytes % kSectorSize != 0 || extent.start % kSectorSize != 0)
    return make_error(EUCLEAN, "extent at file offset {} has num_bytes {}", extent.start, extent.num_bytes);
  if (extent.end() < extent.start || extent.offset + extent.num_bytes < extent.offset ||
      extent.disk_bytenr + extent.disk_num_bytes < extent.disk_bytenr)
    return make_error(EUCLEAN, "extent at file offset {} wraps around: num_bytes {} offset {} disk {}+{}",
                      extent.start, extent.num_bytes, extent.offset, extent.disk_bytenr,
                      extent.disk_num_bytes);
  return {};
}

Status check_file_extent(const FileExtent& extent, ByteSpan item) {
  if (item.size() < kInlineHeadBytes) return make_error(EUCLEAN, "file extent item of {} bytes", item.size());
  const uint8_t type = load<DiskFileExtentInline>(item).type;
  if (type > file_extent_type::kPrealloc) return make_error(EUCLEAN, "file extent of type {}", type);
  if (type == file_extent_type::kInline) return check_inline(extent, item.size() - kInlineHeadBytes);
  if (item.size() < sizeof(DiskFileExtent))
    return make_error(EUCLEAN, "file extent item of {} bytes", item.size());
  return check_regular(extent);
}

}  // namespace

FileExtent decode_file_extent(const Key& key, ByteSpan item) {
  FileExtent extent = decode_without_data(key, item);
  if (extent.kind == ExtentKind::inline_data) {
    const ByteSpan data = item.subspan(kInlineHeadBytes);
    extent.data.assign(data.begin(), data.end());
  }
  return extent;
}

Result<FileExtent> checked_file_extent(const Key& key, ByteSpan item) {
  FileExtent extent = decode_without_data(key, item);
  if (Status good = check_file_extent(extent, item); !good)
    return make_error(good.error().code, "{}: {}", to_text(key), good.error().message);
  return extent;
}

uint64_t occupied_end(const FileExtent& extent) {
  return extent.kind == ExtentKind::inline_data ? round_up(extent.end(), kSectorSize) : extent.end();
}

uint64_t counted_bytes(const FileExtent& extent, uint64_t bytes) {
  return extent.kind == ExtentKind::inline_data || extent.disk_bytenr != 0 ? bytes : 0;
}

std::optional<DataRef> data_ref_of(const Tree& tree, uint64_t ino, const FileExtent& extent) {
  if (extent.kind == ExtentKind::inline_data || extent.disk_bytenr == 0) return std::nullopt;
  return DataRef{.bytenr = extent.disk_bytenr,
                 .num_bytes = extent.disk_num_bytes,
                 .root = tree.id(),
                 .objectid = ino,
                 .offset = extent.start - extent.offset};
}

DiskFileExtent encode_file_extent(const FileExtent& extent) {
  DiskFileExtent disk{};
  disk.generation = extent.generation;
  disk.ram_bytes = extent.ram_bytes;
  disk.compression = extent.compression;
  disk.type = extent.kind == ExtentKind::inline_data ? file_extent_type::kInline
              : extent.kind == ExtentKind::prealloc  ? file_extent_type::kPrealloc
                                                     : file_extent_type::kRegular;
  disk.disk_bytenr = extent.disk_bytenr;
  disk.disk_num_bytes = extent.disk_num_bytes;
  disk.offset = extent.offset;
  disk.num_bytes = extent.num_bytes;
  return disk;
}

Status set_num_bytes(WriteCursor& cursor, uint64_t num_bytes) {
  auto disk = cursor.as<DiskFileExtent>();
  disk.num_bytes = num_bytes;
  return cursor.replace(disk);
}

Status RefChanges::apply(TransactionHandle& handle) const {
  for (const DataRef& ref : added_) BF_TRY(handle.add_data_ref(ref));
  for (const DataRef& ref : dropped_) BF_TRY(handle.drop_data_ref(ref));
  return {};
}

}  // namespace butterfuse
