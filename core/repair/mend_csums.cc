// SPDX-License-Identifier: GPL-2.0-or-later
// mend_csums: extent by extent, and in it the sectors without one.
//
// A checksum that is there and does not match is left alone: it is the witness that the data is bad, and
// whoever reads the file shall hear of it. Files with NODATASUM have none, and a preallocated extent holds
// nothing yet.
#include "core/repair/mend_csums.h"

#include <algorithm>
#include <set>

#include "core/csum/csum_tree.h"
#include "core/survey/report.h"

namespace butterfuse::repair {
namespace {

// So much of an extent is looked at under one transaction handle: 256 sectors of 4 KiB have at most 8 KiB of
// checksums. A whole extent may be of 128 MiB, and its checksums fill many leaves.
constexpr uint64_t kBytesAtOnce = 1 << 20;
constexpr uint32_t kItems = 8;  // more than the checksums of kBytesAtOnce lie in

// Bytes on disk that must have checksums. Those of a compressed extent are of all that is stored, even
// where a file refers to a part of it: it is read and expanded whole. Of others the part that is referred
// to is enough.
Result<std::vector<ByteRange>> summed_ranges(Tree& tree) {
  std::set<uint64_t> unsummed;
  std::vector<ByteRange> ranges;
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek({0, 0, 0}));
  for (; cursor.valid();) {
    const Key key = cursor.key();
    if (key.type == key_type::kInodeItem && (cursor.as<DiskInodeItem>().flags & inode_flag::kNoDataSum))
      unsummed.insert(key.objectid);
    if (key.type == key_type::kExtentData && cursor.data().size() >= sizeof(DiskFileExtent) &&
        !unsummed.contains(key.objectid)) {
      const auto extent = cursor.as<DiskFileExtent>();
      if (extent.type == file_extent_type::kRegular && extent.disk_bytenr != 0)
        ranges.push_back(extent.compression
                             ? ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes)
                             : ByteRange::at(extent.disk_bytenr + extent.offset, extent.num_bytes));
    }
    BF_TRY(cursor.next());
  }
  return ranges;
}

// Whether any were missing.
Result<bool> mend_range(Filesystem& filesystem, ByteRange range) {
  Volume& volume = filesystem.volume();
  const uint32_t sector = volume.sectorsize(), each = volume.csum_size_bytes();
  BF_ASSIGN(const CsumRange known, lookup_csums(filesystem.csum_tree(), range, sector, each));
  if (std::all_of(known.present.begin(), known.present.end(), [](bool one) { return one; })) return false;
  CsumBytes csums = known.csums;
  std::vector<std::byte> data(sector);
  for (size_t index = 0; index < known.present.size(); ++index) {
    if (known.present[index]) continue;
    BF_TRY(volume.read_best(range.start + index * sector, data, false));
    const CsumValue sum = checksum(volume.csum_type(), data);
    std::copy_n(sum.begin(), each, csums.begin() + static_cast<ptrdiff_t>(index * each));
  }
  BF_ASSIGN(TransactionHandle handle, filesystem.begin_freeing(kItems));
  Status inserted = insert_csums(filesystem.csum_tree(), handle, range.start, csums, sector, each);
  if (!inserted) {
    handle.abort(inserted.error());
    return tl::unexpected(inserted.error());
  }
  return true;
}

}  // namespace

Result<uint64_t> mend_csums(Filesystem& filesystem, Tree& tree, const Report& report) {
  if (tree.id() == objectid::kDataRelocTree) return uint64_t{0};
  uint64_t mended = 0;
  BF_ASSIGN(const std::vector<ByteRange> ranges, summed_ranges(tree));
  for (const ByteRange& range : ranges) {
    for (uint64_t start = range.start; start < range.end; start += kBytesAtOnce) {
      const ByteRange part{start, std::min(range.end, start + kBytesAtOnce)};
      const auto done = mend_range(filesystem, part);
      if (!done && filesystem.read_only()) return tl::unexpected(done.error());
      if (!done) report(fmt::format("data [{}, {}): {}", part.start, part.end, done.error().message));
      if (!done || !*done) continue;
      ++mended;
      report(
          fmt::format("data [{}, {}): missing checksums computed from what it holds", part.start, part.end));
    }
  }
  return mended;
}

}  // namespace butterfuse::repair
