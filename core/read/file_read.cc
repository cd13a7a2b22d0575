// SPDX-License-Identifier: GPL-2.0-or-later
// FileRead: merging runs of extents into big reads, and decompressing.
//
//     file      │ A plain │ B plain │ hole │ C compressed │ D compressed │ inline │
//     reads     └─ one, if B lies behind A ┘ └─ one, if D lies behind C ─┘
//                  straight into `into`         into scratch_.disk, then each is expanded
//
// Numbers of an extent are checked before they are used to address anything: an image may say what it likes.
#include "core/read/file_read.h"

#include <cstring>

#include "compress/codec.h"
#include "core/items/inline_data.h"

namespace butterfuse {
namespace {

void fill_zero(MutableByteSpan bytes) {
  if (!bytes.empty()) std::memset(bytes.data(), 0, bytes.size());
}

bool is_plain(const FileExtent& extent) {
  return extent.kind == ExtentKind::regular && extent.compression == compression_type::kNone;
}
bool is_compressed(const FileExtent& extent) {
  return extent.kind == ExtentKind::regular && extent.compression != compression_type::kNone;
}

}  // namespace

tl::unexpected<Error> FileRead::bad_extent(const FileExtent& extent, const char* reason) const {
  return make_error(
      EUCLEAN,
      "root {} inode {} offset {}: {}: disk_bytenr {} disk_num_bytes {} ram_bytes {} offset {} num_bytes "
      "{} compression {}",
      origin_.root_id, origin_.ino, extent.start, reason, extent.disk_bytenr, extent.disk_num_bytes,
      extent.ram_bytes, extent.offset, extent.num_bytes, extent.compression);
}

Status FileRead::run(std::span<const FileExtent> extents) {
  while (!extents.empty()) {
    const FileExtent& extent = extents.front();
    size_t done = 1;
    if (is_plain(extent)) {
      BF_ASSIGN(done, read_plain(extents));
    } else if (is_compressed(extent)) {
      BF_ASSIGN(done, read_compressed(extents));
    } else if (extent.kind == ExtentKind::inline_data) {
      BF_TRY(read_inline(extent));
    } else {
      fill_zero(target(wanted(extent)));
    }
    extents = extents.subspan(done);
  }
  return {};
}

Status FileRead::read_inline(const FileExtent& extent) {
  const ByteRange bytes = wanted(extent);
  Status read;
  if (bytes.start == extent.start) {
    read = read_inline_data(extent, target(bytes));
  } else {
    // Only images of old mkfs have inline data beyond the first sector.
    if (bytes.end > kMaxCompressedBytes) return bad_extent(extent, "inline extent is too long");
    const MutableByteSpan plain(scratch_.plain.get(), bytes.end);
    plain_bytenr_ = 0;
    read = read_inline_data(extent, plain);
    if (read) std::memcpy(target(bytes).data(), plain.data() + bytes.start, bytes.length());
  }
  if (!read)
    return make_error(read.error().code, "root {} inode {} inline extent: {}", origin_.root_id, origin_.ino,
                      read.error().message);
  return {};
}

Status FileRead::check_plain(const FileExtent& extent) const {
  if (extent.offset > extent.disk_num_bytes || extent.num_bytes > extent.disk_num_bytes - extent.offset)
    return bad_extent(extent, "runs over the end of its extent");
  if (extent.offset % kSectorSize != 0 || extent.disk_bytenr % kSectorSize != 0)
    return bad_extent(extent, "is not aligned to sectors");
  return {};
}

Result<size_t> FileRead::read_plain(std::span<const FileExtent> extents) {
  ByteRange bytes = wanted(extents.front());
  uint64_t bytenr = 0;  // of bytes.start
  size_t count = 0;
  for (const FileExtent& extent : extents) {
    if (!is_plain(extent)) break;
    BF_TRY(check_plain(extent));
    const ByteRange part = wanted(extent);
    const uint64_t part_bytenr = extent.disk_bytenr + extent.offset + (part.start - extent.start);
    if (count == 0) bytenr = part_bytenr;
    if (part_bytenr != bytenr + (part.start - bytes.start)) break;
    bytes.end = part.end;
    ++count;
  }
  BF_TRY(read_run(bytenr, bytes));
  return count;
}

Status FileRead::read_run(uint64_t bytenr, ByteRange bytes) {
  ReadOrigin origin = origin_;
  origin.file_offset = bytes.start;
  const MutableByteSpan to = target(bytes);
  const size_t whole = round_down(to.size(), kSectorSize);
  if (whole != 0) BF_TRY(read_verified(filesystem_, origin, bytenr, to.first(whole), csum_errors_));
  if (whole == to.size()) return {};
  // The range ends inside a sector, but only whole sectors can be checked.
  origin.file_offset += whole;
  const MutableByteSpan sector(scratch_.disk.get(), kSectorSize);
  BF_TRY(read_verified(filesystem_, origin, bytenr + whole, sector, csum_errors_));
  std::memcpy(to.data() + whole, sector.data(), to.size() - whole);
  return {};
}

Status FileRead::check_compressed(const FileExtent& extent) const {
  if (extent.disk_num_bytes == 0 || extent.disk_num_bytes > kMaxCompressedBytes ||
      extent.ram_bytes > kMaxCompressedBytes)
    return bad_extent(extent, "compressed extent of impossible size");
  if (extent.offset > extent.ram_bytes || extent.num_bytes > extent.ram_bytes - extent.offset)
    return bad_extent(extent, "runs over the end of its extent");
  if (extent.disk_num_bytes % kSectorSize != 0) return bad_extent(extent, "is not aligned to sectors");
  return {};
}

Result<size_t> FileRead::read_compressed(std::span<const FileExtent> extents) {
  const uint64_t bytenr = extents.front().disk_bytenr;
  uint64_t end = bytenr, last = 0;  // bytenrs: end of what is read at once, begin of its last extent
  size_t count = 0;
  for (const FileExtent& extent : extents) {
    if (!is_compressed(extent)) break;
    BF_TRY(check_compressed(extent));
    // Several items may show parts of one extent; and extents written together lie together. One that is
    // larger than what is left of the buffer begins the next read.
    const bool again = count != 0 && extent.disk_bytenr == last && extent.disk_num_bytes == end - last;
    if (!again) {
      if (extent.disk_bytenr != end || end - bytenr + extent.disk_num_bytes > ReadScratch::kDiskBytes) break;
      last = extent.disk_bytenr;
      end += extent.disk_num_bytes;
    }
    ++count;
  }
  ReadOrigin origin = origin_;
  origin.file_offset = extents.front().start;
  const MutableByteSpan stored(scratch_.disk.get(), end - bytenr);
  BF_TRY(read_verified(filesystem_, origin, bytenr, stored, csum_errors_));
  for (const FileExtent& extent : extents.first(count))
    BF_TRY(decompress(extent, stored.subspan(extent.disk_bytenr - bytenr, extent.disk_num_bytes)));
  return count;
}

Status FileRead::decompress(const FileExtent& extent, ByteSpan stored) {
  const ByteRange bytes = wanted(extent);
  const MutableByteSpan to = target(bytes);
  const uint64_t skip = extent.offset + (bytes.start - extent.start);
  const bool direct = skip == 0 && to.size() == extent.ram_bytes;
  const MutableByteSpan plain = direct ? to : MutableByteSpan(scratch_.plain.get(), extent.ram_bytes);
  const bool known = plain_bytenr_ == extent.disk_bytenr && plain_ram_bytes_ == extent.ram_bytes;
  if (direct || !known) {
    const Codec* codec = codec_by_type(extent.compression);
    if (codec == nullptr) return bad_extent(extent, "unknown compression");
    if (!direct) plain_bytenr_ = 0;
    if (Status done = codec->decompress(stored, plain); !done)
      return make_error(done.error().code, "root {} inode {} offset {} bytenr {}: {}", origin_.root_id,
                        origin_.ino, extent.start, extent.disk_bytenr, done.error().message);
    if (!direct) plain_bytenr_ = extent.disk_bytenr, plain_ram_bytes_ = extent.ram_bytes;
  }
  if (!direct) std::memcpy(to.data(), plain.data() + skip, to.size());
  return {};
}

}  // namespace butterfuse
