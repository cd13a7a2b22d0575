// SPDX-License-Identifier: GPL-2.0-or-later
// FileExtentFilter: where data can lie, and where it did.
#include "core/survey/file_extents.h"

namespace butterfuse::repair {

bool FileExtentFilter::is_possible(const DiskFileExtent& extent) const {
  const ByteRange stored{extent.disk_bytenr, extent.disk_bytenr + extent.disk_num_bytes};
  const uint64_t sector = volume_.sectorsize();
  if (stored.empty() || stored.start % sector != 0 || stored.length() % sector != 0) return false;
  const auto chunk = volume_.chunk_at(stored.start);
  return chunk && (chunk->type & bg::kData) && stored.end <= chunk->start + chunk->length;
}

bool FileExtentFilter::cuts_recorded(const DiskFileExtent& extent) const {
  const ByteRange stored = ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes);
  auto next = recorded_.data.upper_bound(stored.start);
  if (next != recorded_.data.end() && next->first < stored.end) return true;
  if (next == recorded_.data.begin()) return false;
  const auto& [start, before] = *std::prev(next);
  return start < stored.start && start + before.length > stored.start;
}

// The extent tree may be the one that is wrong: it is asked only for extents that can't be where they claim,
// or that reach into others.
bool FileExtentFilter::accept(const Key& key, std::vector<std::byte>& data) const {
  if (key.type != key_type::kExtentData || data.size() < sizeof(DiskFileExtentInline)) return true;
  if (auto head = load<DiskFileExtentInline>(data); head.generation > volume_.super().generation) {
    head.generation = volume_.super().generation;
    store(MutableByteSpan(data), head);
  }
  if (data.size() < sizeof(DiskFileExtent)) return true;
  auto extent = load<DiskFileExtent>(data);
  if (extent.type == file_extent_type::kInline || extent.disk_bytenr == 0) return true;
  const bool possible = is_possible(extent);
  if (possible && !cuts_recorded(extent)) return true;
  const auto owner = recorded_.owners.find({root_id_, key.objectid, key.offset - extent.offset});
  if (owner == recorded_.owners.end()) return possible;
  const auto recorded = recorded_.data.find(owner->second);
  if (recorded == recorded_.data.end()) return possible;
  // A record that shares neither place nor length with the item is of another extent.
  const bool one_agrees =
      recorded->second.length == extent.disk_num_bytes || owner->second == extent.disk_bytenr;
  extent.disk_bytenr = owner->second;
  extent.disk_num_bytes = recorded->second.length;
  if (!one_agrees || !is_possible(extent) || cuts_recorded(extent)) return possible;
  store(MutableByteSpan(data), extent);
  return true;
}

}  // namespace butterfuse::repair
