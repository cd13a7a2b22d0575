// SPDX-License-Identifier: GPL-2.0-or-later
// File data: extents from the log, and the checksums that came with them.
// What the trees have already is dropped and inserted again, reference and all: that a log names it does
// no harm.
#include "core/csum/csum_tree.h"
#include "core/log/stored_extent.h"
#include "core/log/subvolume_replay.h"

namespace butterfuse {
namespace {

// What the item counts for in the inode's nbytes.
uint64_t counted(const FileExtent& extent) {
  if (extent.kind == ExtentKind::inline_data) return extent.ram_bytes;
  return is_on_disk(extent) ? extent.num_bytes : 0;
}

}  // namespace

Status SubvolumeReplay::replay_extent(const LogItem& item) {
  const uint64_t ino = item.key.objectid;
  BF_ASSIGN(const auto inode, find_inode(ino));
  if (!inode) return make_error(EUCLEAN, "{} of an inode that does not exist", to_text(item.key));
  const FileExtent extent = decode_file_extent(item.key, item.bytes);
  const uint64_t end = round_up(extent.end(), handle_.filesystem().sectorsize());
  BF_ASSIGN(const uint64_t dropped, drop_file_extents(tree_, handle_, ino, {extent.start, end}));

  if (is_on_disk(extent)) {
    BF_ASSIGN(const bool fresh, space_.take_fresh(ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes)));
    BF_TRY(insert_file_extent(tree_, handle_, ino, extent, fresh));
    BF_TRY(replay_csums(stored_range(extent)));
  } else if (extent.kind == ExtentKind::inline_data) {
    BF_TRY(insert_file_extent(tree_, handle_, ino, extent, false));
  } else {
    BF_TRY(insert_hole(tree_, handle_, ino, {extent.start, end}));
  }
  InodeItem changed = *inode;
  changed.nbytes += counted(extent) - dropped;
  return write_inode_item(tree_, handle_, ino, changed);
}

Status SubvolumeReplay::replay_csums(ByteRange bytenrs) {
  Filesystem& filesystem = handle_.filesystem();
  const uint32_t sectorsize = filesystem.sectorsize(), csum_bytes = filesystem.csum_size_bytes();
  BF_ASSIGN(const CsumRange logged, lookup_csums(log_, bytenrs, sectorsize, csum_bytes));
  const ByteSpan csums = logged.csums;
  for (size_t first = 0; first < logged.present.size();) {
    size_t end = first;
    while (end < logged.present.size() && logged.present[end]) ++end;
    if (end > first)
      BF_TRY(insert_csums(filesystem.csum_tree(), handle_, bytenrs.start + first * sectorsize,
                          csums.subspan(first * csum_bytes, (end - first) * csum_bytes), sectorsize,
                          csum_bytes));
    first = end + 1;
  }
  return {};
}

}  // namespace butterfuse
