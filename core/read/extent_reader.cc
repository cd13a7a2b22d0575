// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentReader: takes the extent list out under the tree's lock, then reads without any: a writer of the tree
// does not wait for a disk.
#include "core/read/extent_reader.h"

#include "core/base/assert.h"
#include "core/read/file_read.h"

namespace butterfuse {

ReadScratch& ReadScratch::of_this_thread() {
  static thread_local ReadScratch scratch;
  return scratch;
}

Status ExtentReader::read(Tree& tree, uint64_t ino, bool nodatasum, ByteRange range, MutableByteSpan into) {
  BF_ASSERT(into.size() == range.length() && range.start % kSectorSize == 0, "inode {}: {} bytes for {}..{}",
            ino, into.size(), range.start, range.end);
  if (range.empty()) return {};
  ReadScratch& scratch = ReadScratch::of_this_thread();
  scratch.extents.clear();
  BF_TRY(for_each_file_extent(tree, ino, range, [&](const FileExtent& extent) {
    scratch.extents.push_back(extent);
    return true;
  }));
  const ReadOrigin origin{
      .root_id = tree.id(), .ino = ino, .file_offset = range.start, .nodatasum = nodatasum};
  return FileRead(filesystem_, origin, range, into, scratch, csum_errors_).run(scratch.extents);
}

Result<ByteRange> ExtentReader::natural_range(Tree& tree, uint64_t ino, uint64_t position, ByteRange limit) {
  ByteRange natural{position, position};
  BF_TRY(for_each_file_extent(tree, ino, ByteRange::at(position, 1), [&](const FileExtent& extent) {
    if (extent.kind == ExtentKind::regular && extent.compression != compression_type::kNone)
      natural = ByteRange{extent.start, extent.end()}.intersection(limit);
    return false;
  }));
  return natural;
}

}  // namespace butterfuse
