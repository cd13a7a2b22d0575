// SPDX-License-Identifier: GPL-2.0-or-later
// SpaceAudit: do the trees of a quiescent file system agree about space? For tests of the allocator.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/free_space/free_space_loader.h"
#include "core/free_space/free_space_tree.h"
#include "core/transaction/filesystem.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse {

inline std::vector<ByteRange> runs_of(const FreeSpace& space) {
  std::vector<ByteRange> runs;
  space.for_each_run([&](ByteRange run) { runs.push_back(run); });
  return runs;
}

inline FreeSpace scanned_space(Filesystem& filesystem, ByteRange group) {
  FreeSpace space(group, filesystem.sectorsize());
  ReadCursor cursor(filesystem.extent_tree());
  must(scan_extent_tree(cursor, group, filesystem.sectorsize(), filesystem.volume().nodesize(), space));
  return space;
}

// One line for each block group whose free space items are not exactly what its extents leave.
inline std::string free_space_differences(Filesystem& filesystem) {
  std::string lines;
  if (filesystem.free_space_tree() == nullptr) return lines;
  for (const auto& chunk : filesystem.volume().chunks()) {
    const ByteRange group = ByteRange::at(chunk->start, chunk->length);
    const FreeSpace scanned = scanned_space(filesystem, group);
    FreeSpace loaded(group, filesystem.sectorsize());
    ReadCursor cursor(*filesystem.free_space_tree());
    must(load_free_space_tree(cursor, group, filesystem.sectorsize(), loaded));
    must(cursor.seek({group.start, key_type::kFreeSpaceInfo, group.length()}));
    const uint64_t counted = cursor.as<DiskFreeSpaceInfo>().extent_count;
    if (runs_of(scanned) != runs_of(loaded)) lines += fmt::format("{}: free space differs\n", group.start);
    if (counted != loaded.count_runs()) lines += fmt::format("{}: {} runs counted\n", group.start, counted);
  }
  return lines;
}

// One line for each chunk stripe without its device extent, and the reverse, and sums that are off.
inline std::string device_differences(Filesystem& filesystem) {
  std::string lines;
  using Place = std::pair<uint64_t, uint64_t>;  // devid, physical
  std::map<Place, uint64_t> stripes, extents;   // length
  std::map<uint64_t, uint64_t> device_sums;
  uint64_t sum = 0;
  for (const auto& chunk : filesystem.volume().chunks()) {
    for (const ChunkStripe& stripe : chunk->stripes) {
      stripes[{stripe.devid, stripe.physical}] = chunk->stripe_bytes();
      device_sums[stripe.devid] += chunk->stripe_bytes();
    }
    sum += chunk->device_bytes();
  }
  {
    ReadCursor cursor(filesystem.dev_tree());
    for (must(cursor.seek({0, 0, 0})); cursor.valid(); must(cursor.next())) {
      if (cursor.key().type == key_type::kDevExtent) {
        extents[{cursor.key().objectid, cursor.key().offset}] = cursor.as<DiskDevExtent>().length;
      }
    }
  }
  if (stripes != extents)
    lines += fmt::format("{} stripes, {} device extents\n", stripes.size(), extents.size());
  ReadCursor cursor(filesystem.chunk_tree());
  for (must(cursor.seek({objectid::kDevItems, key_type::kDevItem, 0}));
       cursor.valid() && cursor.key().type == key_type::kDevItem; must(cursor.next())) {
    const uint64_t devid = cursor.key().offset, item = cursor.as<DiskDevItem>().bytes_used;
    if (item != device_sums[devid])
      lines += fmt::format("device {} bytes {} {}\n", devid, device_sums[devid], item);
  }
  const uint64_t told = filesystem.allocator().device_bytes_used();
  if (told != sum) lines += fmt::format("device bytes {} {}\n", sum, told);
  return lines;
}

inline std::string space_differences(Filesystem& filesystem) {
  return free_space_differences(filesystem) + device_differences(filesystem);
}

}  // namespace butterfuse
