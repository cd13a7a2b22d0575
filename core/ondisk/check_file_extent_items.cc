// SPDX-License-Identifier: GPL-2.0-or-later
// Rules for EXTENT_DATA and EXTENT_CSUM.
#include "core/ondisk/csum_geometry.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse {

namespace {

Status check_inline_extent(const ItemCheck& check, const DiskFileExtentInline& extent) {
  if (check.key.offset != 0) return check.fail("inline extent at file offset {} want 0", check.key.offset);
  const size_t data = check.item.size() - sizeof(DiskFileExtentInline);
  if (extent.compression == compression_type::kNone && data != extent.ram_bytes)
    return check.fail("invalid inline data size, have {} want {}", data, uint64_t{extent.ram_bytes});
  if (extent.compression != compression_type::kNone && extent.ram_bytes > kMaxCompressedBytes)
    return check.fail("inline extent is too long, have {} want at most {}", uint64_t{extent.ram_bytes},
                      kMaxCompressedBytes);
  return {};
}

Status check_alignment(const ItemCheck& check, const char* field, uint64_t value) {
  if (check.sector_aligned(value)) return {};
  return check.fail("invalid {} of a file extent, have {} want a multiple of {}", field, value,
                    check.fs.sectorsize);
}

// Where in the decoded extent the file's bytes lie. Old kernels left ram_bytes of split uncompressed extents
// wrong, so there the length on disk counts.
Status check_extent_window(const ItemCheck& check, const DiskFileExtent& extent) {
  if (!adds_up(extent.offset, extent.num_bytes))
    return check.fail("file extent offset {} + num_bytes {} overflows", uint64_t{extent.offset},
                      uint64_t{extent.num_bytes});
  if (extent.disk_bytenr == 0) return {};  // a hole
  if (!adds_up(extent.disk_bytenr, extent.disk_num_bytes) || extent.disk_num_bytes == 0)
    return check.fail("invalid disk extent, have {} + {}", uint64_t{extent.disk_bytenr},
                      uint64_t{extent.disk_num_bytes});
  const bool compressed = extent.compression != compression_type::kNone;
  const uint64_t decoded = compressed ? extent.ram_bytes : extent.disk_num_bytes;
  if (extent.offset + extent.num_bytes > decoded)
    return check.fail("file extent reaches behind its disk extent, have {} + {} want at most {}",
                      uint64_t{extent.offset}, uint64_t{extent.num_bytes}, decoded);
  if (compressed && (extent.ram_bytes > kMaxCompressedBytes || extent.disk_num_bytes > kMaxCompressedBytes))
    return check.fail("compressed extent is too long, have {} of {} bytes want at most {}",
                      uint64_t{extent.disk_num_bytes}, uint64_t{extent.ram_bytes}, kMaxCompressedBytes);
  return {};
}

uint64_t previous_extent_end(const ItemCheck& check) {
  const auto previous = load<DiskFileExtentInline>(check.previous_item());
  const uint64_t start = check.previous_key().offset;
  if (previous.type == file_extent_type::kInline)
    return start + round_up(std::min<uint64_t>(previous.ram_bytes, kMaxCompressedBytes), check.fs.sectorsize);
  return start + load<DiskFileExtent>(check.previous_item()).num_bytes;
}

Status check_previous_extent(const ItemCheck& check) {
  if (!check.has_previous()) return {};
  const Key previous = check.previous_key();
  if (previous.objectid != check.key.objectid || previous.type != key_type::kExtentData) return {};
  const uint64_t end = previous_extent_end(check);
  if (end <= check.key.offset) return {};
  return check.fail("file extents overlap, the previous one ends at {}", end);
}

Status check_disk_extent(const ItemCheck& check, const DiskFileExtent& extent) {
  BF_TRY(check_alignment(check, "ram_bytes", extent.ram_bytes));
  BF_TRY(check_alignment(check, "disk_bytenr", extent.disk_bytenr));
  BF_TRY(check_alignment(check, "disk_num_bytes", extent.disk_num_bytes));
  BF_TRY(check_alignment(check, "offset", extent.offset));
  BF_TRY(check_alignment(check, "num_bytes", extent.num_bytes));
  if (extent.num_bytes == 0) return check.fail("file extent of no bytes");
  return check_extent_window(check, extent);
}

}  // namespace

Status check_file_extent(const ItemCheck& check) {
  BF_TRY(check_previous_ino(check));
  if (check.item.size() < sizeof(DiskFileExtentInline))
    return check.fail("invalid item size, have {} want at least {}", check.item.size(),
                      sizeof(DiskFileExtentInline));
  const auto head = load<DiskFileExtentInline>(check.item);
  if (head.type > file_extent_type::kPrealloc)
    return check.fail("invalid file extent type, have {}", head.type);
  if (head.compression > compression_type::kZstd)
    return check.fail("invalid compression of a file extent, have {}", head.compression);
  if (check.full() && (head.encryption != 0 || head.other_encoding != 0))
    return check.fail("invalid encryption or encoding of a file extent, have {} and {}", head.encryption,
                      uint16_t{head.other_encoding});
  if (head.type == file_extent_type::kInline) return check_inline_extent(check, head);

  BF_TRY(check.size_is(sizeof(DiskFileExtent)));
  const auto extent = load<DiskFileExtent>(check.item);
  if (!adds_up(check.key.offset, extent.num_bytes))
    return check.fail("file extent end overflows, {} + {}", check.key.offset, uint64_t{extent.num_bytes});
  if (!check.full()) return {};
  BF_TRY(check_alignment(check, "file offset", check.key.offset));
  BF_TRY(check_disk_extent(check, extent));
  return check_previous_extent(check);
}

Status check_csum_item(const ItemCheck& check) {
  const CsumGeometry geometry{check.fs.sectorsize, check.fs.csum_size};
  if (geometry.csum_size == 0) return {};
  if (check.item.size() % geometry.csum_size != 0)
    return check.fail("invalid item size, have {} want a multiple of {}", check.item.size(),
                      geometry.csum_size);
  if (!adds_up(check.key.offset, geometry.data_bytes(check.item.size())))
    return check.fail("checksummed range overflows, {} + {} sectors", check.key.offset,
                      geometry.count(check.item));
  if (!check.full()) return {};
  if (check.key.objectid != objectid::kExtentCsum)
    return check.fail("invalid key objectid of checksums, have {}", check.key.objectid);
  if (!check.sector_aligned(check.key.offset))
    return check.fail("invalid key offset of checksums, have {} want a multiple of {}", check.key.offset,
                      check.fs.sectorsize);
  if (!check.has_previous() || check.previous_key().type != key_type::kExtentCsum) return {};
  const uint64_t previous_end = geometry.sectors(check.previous_key().offset, check.previous_item()).end;
  if (previous_end > check.key.offset)
    return check.fail("checksum items overlap, the previous one ends at {}", previous_end);
  return {};
}

}  // namespace butterfuse
