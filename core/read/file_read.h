// SPDX-License-Identifier: GPL-2.0-or-later
// FileRead: one read() under way: the extents of a byte range turned into file bytes.
#pragma once

#include <atomic>
#include <span>

#include "core/base/byte_range.h"
#include "core/read/read_scratch.h"
#include "core/read/verified_read.h"

namespace butterfuse {

// Lives on the stack of ExtentReader::read. The extents cover the range without gaps, in order; their numbers
// come from disk and are checked here before use.
class FileRead {
 public:
  // `origin`: inode and nodatasum; its file_offset is not used.
  FileRead(Filesystem& filesystem, const ReadOrigin& origin, ByteRange range, MutableByteSpan into,
           ReadScratch& scratch, std::atomic<uint64_t>& csum_errors)
      : filesystem_(filesystem),
        origin_(origin),
        range_(range),
        into_(into),
        scratch_(scratch),
        csum_errors_(csum_errors) {}

  Status run(std::span<const FileExtent> extents);

 private:
  ByteRange wanted(const FileExtent& extent) const {
    return ByteRange{extent.start, extent.end()}.intersection(range_);
  }
  MutableByteSpan target(ByteRange bytes) const {
    return into_.subspan(bytes.start - range_.start, bytes.length());
  }
  tl::unexpected<Error> bad_extent(const FileExtent& extent, const char* reason) const;

  Status read_inline(const FileExtent& extent);
  // Each reads one or more extents from the front and says how many.
  Result<size_t> read_plain(std::span<const FileExtent> extents);
  Result<size_t> read_compressed(std::span<const FileExtent> extents);

  Status check_plain(const FileExtent& extent) const;
  Status check_compressed(const FileExtent& extent) const;
  Status read_run(uint64_t bytenr, ByteRange bytes);
  Status decompress(const FileExtent& extent, ByteSpan stored);

  Filesystem& filesystem_;
  const ReadOrigin origin_;
  const ByteRange range_;
  const MutableByteSpan into_;
  ReadScratch& scratch_;
  std::atomic<uint64_t>& csum_errors_;
  // The compressed extent whose bytes are in scratch_.plain: files with overwritten parts show it piecemeal.
  uint64_t plain_bytenr_ = 0;  // 0: none
  uint64_t plain_ram_bytes_ = 0;
};

}  // namespace butterfuse
