// Reflink: items that point to existing extents, a bounded number in each transaction.
#include "fs/vfs/reflink.h"

#include <algorithm>

#include "core/items/file_extent.h"
#include "fs/vfs/names.h"

namespace butterfuse {
namespace {

constexpr size_t kExtentsPerStep = 16;
constexpr uint32_t kItemsPerExtent = 3;                                 // what it replaces, and itself
constexpr uint32_t kStepItems = kExtentsPerStep * kItemsPerExtent + 2;  // the inode, a hole before the first

// The extents of `from` in the range, cut to it and moved to where `to` will have them. Holes stay out.
Result<std::vector<FileExtent>> moved_extents(const CopyRequest& request, ByteRange source) {
  std::vector<FileExtent> list;
  BF_TRY(for_each_file_extent(request.from.tree(), request.from.ino(), source, [&](const FileExtent& extent) {
    const ByteRange part = ByteRange{extent.start, extent.end()}.intersection(source);
    if (extent.kind == ExtentKind::hole || part.empty()) return true;
    FileExtent moved = extent;
    moved.offset += part.start - extent.start;
    moved.start = part.start - request.from_offset + request.to_offset;
    moved.num_bytes = part.length();
    list.push_back(std::move(moved));
    return true;
  }));
  return list;
}

// Replaces `target` of `to` by `extents`, which lie in it.
Status insert_step(Mount& mount, Inode& to, ByteRange target, std::span<const FileExtent> extents) {
  BF_ASSIGN(Reservation metadata, mount.filesystem().reserve_metadata(kStepItems, to.root_id()));
  MutexLock items(to.data().items_mutex());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin_reserved(std::move(metadata)));
  auto change = [&]() -> Status {
    BF_ASSIGN(const uint64_t dropped, drop_file_extents(to.tree(), handle, to.ino(), target));
    // Dirty pages behind the target may be all that the file has there: no item covers what is between.
    BF_TRY(fill_gaps_before(to.tree(), handle, to.ino(), target.start, to.has_prealloc()));
    uint64_t added = 0, end = target.start;
    for (const FileExtent& extent : extents) {
      BF_TRY(insert_hole(to.tree(), handle, to.ino(), {end, extent.start}));
      BF_TRY(insert_file_extent(to.tree(), handle, to.ino(), extent, false));
      added += extent.num_bytes;
      end = extent.end();
    }
    BF_TRY(insert_hole(to.tree(), handle, to.ino(), {end, target.end}));
    const bool prealloc = std::any_of(extents.begin(), extents.end(), [](const FileExtent& extent) {
      return extent.kind == ExtentKind::prealloc;
    });
    to.change([&](InodeItem& item) {
      item.nbytes += added - dropped;
      if (prealloc) item.flags |= inode_flag::kPrealloc;
    });
    return to.save(handle);
  };
  return or_abort(handle, change());
}

}  // namespace

Result<bool> can_reflink(const CopyRequest& request) {
  if (request.from.nodatasum() != request.to.nodatasum()) return false;
  bool is_inline = false;
  const ByteRange first = ByteRange::at(request.from_offset, 1);
  BF_TRY(for_each_file_extent(request.from.tree(), request.from.ino(), first, [&](const FileExtent& extent) {
    is_inline = extent.kind == ExtentKind::inline_data;
    return false;
  }));
  return !is_inline;
}

Status reflink(Mount& mount, const CopyRequest& request) {
  const uint64_t bytes = round_up(request.length, kSectorSize);
  BF_ASSIGN(const auto extents, moved_extents(request, ByteRange::at(request.from_offset, bytes)));
  uint64_t start = request.to_offset;
  const uint64_t end = request.to_offset + bytes;
  for (size_t first = 0; start < end; first += kExtentsPerStep) {
    const size_t begin = std::min(first, extents.size());
    const size_t count = std::min(kExtentsPerStep, extents.size() - begin);
    const bool last = begin + count == extents.size();
    const ByteRange target{start, last ? end : extents[begin + count - 1].end()};
    BF_TRY(insert_step(mount, request.to, target, std::span(extents).subspan(begin, count)));
    start = target.end;
  }
  return {};
}

}  // namespace butterfuse
