// FileExtentFilter: where data can lie, and where it did.
#include "core/repair/file_extents.h"

namespace butterfuse::repair {

bool FileExtentFilter::is_possible(const DiskFileExtent& extent) const {
  const ByteRange stored{extent.disk_bytenr, extent.disk_bytenr + extent.disk_num_bytes};
  const uint64_t sector = volume_.sectorsize();
  if (stored.empty() || stored.start % sector != 0 || stored.length() % sector != 0) return false;
  const auto chunk = volume_.chunk_at(stored.start);
  if (!chunk || !(chunk->type & bg::kData) || stored.end > chunk->start + chunk->length) return false;
  auto next = recorded_.data.upper_bound(stored.start);
  if (next != recorded_.data.end() && next->first < stored.end) return false;
  if (next == recorded_.data.begin()) return true;
  const auto& [start, other] = *std::prev(next);
  return start == stored.start ? other.length == stored.length() : start + other.length <= stored.start;
}

bool FileExtentFilter::accept(const Key& key, std::vector<std::byte>& data) const {
  if (key.type != key_type::kExtentData || data.size() < sizeof(DiskFileExtent)) return true;
  auto extent = load<DiskFileExtent>(data);
  if (extent.type == file_extent_type::kInline || extent.disk_bytenr == 0 || is_possible(extent)) return true;
  const auto owner = recorded_.owners.find({root_id_, key.objectid, key.offset - extent.offset});
  if (owner == recorded_.owners.end()) return false;
  extent.disk_bytenr = owner->second;
  if (!is_possible(extent)) return false;
  store(MutableByteSpan(data), extent);
  return true;
}

}  // namespace butterfuse::repair
