// FileExtentFilter: where data can lie, and where it did.
#include "core/repair/file_extents.h"

namespace butterfuse::repair {

bool FileExtentFilter::is_possible(const DiskFileExtent& extent) const {
  const ByteRange stored{extent.disk_bytenr, extent.disk_bytenr + extent.disk_num_bytes};
  const uint64_t sector = volume_.sectorsize();
  if (stored.empty() || stored.start % sector != 0 || stored.length() % sector != 0) return false;
  const auto chunk = volume_.chunk_at(stored.start);
  return chunk && (chunk->type & bg::kData) && stored.end <= chunk->start + chunk->length;
}

// The extent tree may be the one that is wrong: it is asked only for extents that can't be where they claim.
bool FileExtentFilter::accept(const Key& key, std::vector<std::byte>& data) const {
  if (key.type != key_type::kExtentData || data.size() < sizeof(DiskFileExtent)) return true;
  auto extent = load<DiskFileExtent>(data);
  if (extent.type == file_extent_type::kInline || extent.disk_bytenr == 0 || is_possible(extent)) return true;
  const auto owner = recorded_.owners.find({root_id_, key.objectid, key.offset - extent.offset});
  if (owner == recorded_.owners.end()) return false;
  const auto recorded = recorded_.data.find(owner->second);
  if (recorded == recorded_.data.end() || recorded->second.length != extent.disk_num_bytes) return false;
  extent.disk_bytenr = owner->second;
  if (!is_possible(extent)) return false;
  store(MutableByteSpan(data), extent);
  return true;
}

}  // namespace butterfuse::repair
