// SPDX-License-Identifier: GPL-2.0-or-later
// InodeRecord: an inode's size, links, bytes, gaps and checksums, as its item and its other items have them.
//
//     INODE_ITEM  INODE_REF...  DIR_ITEM...  DIR_INDEX...  EXTENT_DATA, EXTENT_DATA, ...
//     └───────────── one record ──────────────┘└─────────── the rest of it ───────────┘   join
//
// Where a leaf ends in the middle of an inode, what the second part does not know (flags, where the extent in
// front ended) is left for join.
#include "core/check/inode_record.h"

#include <sys/stat.h>

namespace butterfuse::check {
namespace {

// Whether checksum items cover all, or some, of a range of data.
bool is_summed(const std::vector<ByteRange>& summed, ByteRange range) {
  const auto behind =
      std::upper_bound(summed.begin(), summed.end(), range.start,
                       [](uint64_t start, const ByteRange& one) { return start < one.start; });
  return behind != summed.begin() && std::prev(behind)->contains(range);
}
bool is_partly_summed(const std::vector<ByteRange>& summed, ByteRange range) {
  const auto first = std::upper_bound(summed.begin(), summed.end(), range.start,
                                      [](uint64_t start, const ByteRange& one) { return start < one.end; });
  return first != summed.end() && first->start < range.end;
}

}  // namespace

void InodeRecord::add_item(const DiskInodeItem& inode) {
  has_item = true;
  item = {inode.size, inode.nbytes, inode.flags, inode.mode, inode.nlink};
}

// Extents come in the order of the file: the end of the last one is all that must be remembered of them.
void InodeRecord::add_extent(const CheckState& state, const Key& key, ByteSpan data, bool with_csums,
                             const Tell& tell) {
  if (key.offset < extent_end) {
    tell(fmt::format("inode {}: extent at {} overlaps the one that ends at {}", key.objectid, key.offset,
                     extent_end));
  }
  if (!has_extents) {
    extent_start = key.offset;
  } else if (key.offset > extent_end) {
    first_gap = std::min(first_gap, extent_end);
  }
  has_extents = true;
  const auto head = load<DiskFileExtentInline>(data);
  const uint64_t newest = state.volume.super().generation;
  if (head.generation > newest)
    tell(fmt::format("inode {}: extent at {} is of generation {}, the file system of {}", key.objectid,
                     key.offset, uint64_t{head.generation}, newest));
  if (head.type == file_extent_type::kInline) {
    extent_bytes += head.ram_bytes;
    extent_end = round_up(key.offset + head.ram_bytes, state.volume.sectorsize());
    return;
  }
  const auto extent = load<DiskFileExtent>(data);
  extent_end = key.offset + extent.num_bytes;
  if (extent.disk_bytenr == 0) return;
  extent_bytes += extent.num_bytes;
  if (head.type == file_extent_type::kRegular && with_csums) check_summed(state, key, extent, tell);
}

// Data with a checksum flag has a checksum for every sector it uses. Data without has none at all; but
// compressed data without one is an error of its own (see judge).
void InodeRecord::check_summed(const CheckState& state, const Key& key, const DiskFileExtent& extent,
                               const Tell& tell) {
  ByteRange range = ByteRange::at(extent.disk_bytenr + extent.offset, extent.num_bytes);
  if (extent.compression) range = ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes);
  const bool may_lack = has_item && (item.flags & inode_flag::kNoDataSum);
  if (may_lack && extent.compression) has_unsummed_compressed = true;
  if (may_lack && !extent.compression) {
    has_csums |= is_partly_summed(state.summed, range);
    return;
  }
  const bool lacks = !is_summed(state.summed, range);
  if (!has_item) {
    unjudged_compressed |= extent.compression != 0;
    unjudged_summed |= !extent.compression && (!lacks || is_partly_summed(state.summed, range));
    unjudged_unsummed |= lacks;
  } else if (lacks) {
    tell(fmt::format("inode {} extent at {}: data [{}, {}) lacks checksums", key.objectid, key.offset,
                     range.start, range.end));
  }
}

bool InodeRecord::join(const InodeRecord& rest) {
  if (rest.has_item) return false;
  refs += rest.refs;
  dir_bytes += rest.dir_bytes;
  extent_bytes += rest.extent_bytes;
  has_entries |= rest.has_entries;
  const bool unsummed = rest.unjudged_unsummed;
  if (!has_item) {
    unjudged_compressed |= rest.unjudged_compressed;
    unjudged_summed |= rest.unjudged_summed;
    unjudged_unsummed |= unsummed;
  } else if (item.flags & inode_flag::kNoDataSum) {
    has_csums |= rest.unjudged_summed;
    has_unsummed_compressed |= rest.unjudged_compressed;
  }
  const bool lacks = has_item && unsummed && !(item.flags & inode_flag::kNoDataSum);
  if (!rest.has_extents) return !lacks;
  const bool overlap = rest.extent_start < extent_end;
  if (!has_extents) {
    extent_start = rest.extent_start;
  } else if (rest.extent_start > extent_end) {
    first_gap = std::min(first_gap, extent_end);
  }
  first_gap = std::min(first_gap, rest.first_gap);
  extent_end = rest.extent_end;
  has_extents = true;
  return !lacks && !overlap;
}

void InodeRecord::judge(const CheckState& state, uint64_t ino, const Tell& tell) const {
  const auto error = [&]<class... Args>(fmt::format_string<Args...> format, Args&&... args) {
    tell(fmt::format(format, std::forward<Args>(args)...));
  };
  if (!has_item) {
    // An orphan item alone may be left by a deletion that did all else.
    if (!orphan || refs || extent_end) error("inode {}: has no inode item", ino);
    return;
  }
  // Bits 0 to 11 are those of inodes, kRootItemInit is for root items, the high half for read-only features.
  constexpr uint64_t kUnknownFlags = 0xffffffff & ~uint64_t{0xfff};
  if (item.flags & kUnknownFlags) error("inode {}: unknown flags {:#x}", ino, item.flags);
  if (S_ISLNK(item.mode) && (item.flags & (inode_flag::kImmutable | inode_flag::kAppend))) {
    error("inode {}: a symlink with flags {:#x}", ino, item.flags);
  }
  // The field has 32 bits, a mode has 16.
  constexpr uint32_t kModeBits = S_IFMT | 07777;
  if (item.mode & ~kModeBits) error("inode {}: mode {:o} has bits above the 16 of a mode", ino, item.mode);
  const bool is_dir = S_ISDIR(item.mode);
  if (item.nlink == 0 && !orphan && ino != objectid::kFreeIno) {
    error("inode {}: no links and no orphan item", ino);
  }
  // As the kernel keeps it: a directory has one link, however many directories are in it.
  const uint64_t wanted_links = is_dir && refs ? 1 : refs;
  if (item.nlink != wanted_links && !orphan) {
    error("inode {}: link count {} but {} references", ino, item.nlink, refs);
  }
  if (is_dir && refs > 1) error("directory {}: has {} names", ino, refs);
  // Each name counts twice, once for either item: dir_bytes sums over both.
  if (is_dir && item.size != dir_bytes && !is_removed()) {
    error("directory {}: size {} but its names take {}", ino, item.size, dir_bytes);
  }
  if (!is_dir && !orphan && item.nbytes != extent_bytes) {
    error("inode {}: nbytes {} but its extents have {}", ino, item.nbytes, extent_bytes);
  }
  if (is_dir && has_extents) error("directory {}: has file extents", ino);
  if (!is_dir && has_entries) error("inode {}: has directory entries with mode {:o}", ino, item.mode);
  // Of what can't be decompressed nobody could tell whether it was right.
  if (has_unsummed_compressed)
    error("inode {}: has no checksums by its flags {:#x}, but compressed extents", ino, item.flags);
  if (has_csums) error("inode {}: has no checksums by its flags, but its data has some", ino);
  // Behind the size nothing needs an item.
  const uint64_t gap_at = has_extents && extent_start > 0 ? 0 : std::min(first_gap, extent_end);
  const bool gap = S_ISREG(item.mode) && gap_at < item.size;
  if (gap && !state.has_incompat(incompat::kNoHoles) && item.nlink) {
    error("inode {}: a hole without an extent item, but no-holes is off", ino);
  }
}

}  // namespace butterfuse::check
