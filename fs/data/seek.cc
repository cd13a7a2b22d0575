// SPDX-License-Identifier: GPL-2.0-or-later
// SEEK_DATA and SEEK_HOLE: a walk over the file extents.
#include "fs/data/seek.h"

#include <optional>

#include "core/items/file_extent.h"

namespace butterfuse {
namespace {

// Preallocated space reads as zeros, so it is a hole, as in the kernel.
bool is_data(const FileExtent& extent) {
  return extent.kind == ExtentKind::inline_data || extent.kind == ExtentKind::regular;
}

// First position in [offset, size) that is data or not, as wanted.
Result<std::optional<uint64_t>> find(Inode& inode, uint64_t offset, bool want_data, SeekKnowledge known) {
  if (!inode.is_regular())
    return make_error(EINVAL, "seek in inode {}, which is no regular file", inode.ino());
  ReaderLock lock(inode.data_lock());
  FileData& data = inode.data();
  if (data.has_dirty_or_ordered()) BF_TRY(data.flush({round_down(offset, kSectorSize), UINT64_MAX}, true));
  const uint64_t size = data.size();
  if (offset >= size) return make_error(ENXIO, "offset {} behind the end at {}", offset, size);
  if (known == SeekKnowledge::not_of_stores) return want_data ? std::optional(offset) : std::nullopt;
  std::optional<uint64_t> found;
  BF_TRY(for_each_file_extent(inode.tree(), inode.ino(), {offset, size}, [&](const FileExtent& extent) {
    if (extent.start >= size) return false;
    if (is_data(extent) == want_data) found = std::max(extent.start, offset);
    return !found;
  }));
  return found;
}

}  // namespace

Result<uint64_t> seek_data(Mount&, Inode& inode, uint64_t offset, SeekKnowledge known) {
  BF_ASSIGN(const auto found, find(inode, offset, true, known));
  if (!found) return make_error(ENXIO, "no data behind offset {}", offset);
  return *found;
}

Result<uint64_t> seek_hole(Mount&, Inode& inode, uint64_t offset, SeekKnowledge known) {
  BF_ASSIGN(const auto found, find(inode, offset, false, known));
  return found ? *found : inode.data().size();
}

}  // namespace butterfuse
