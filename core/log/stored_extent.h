// What a file extent item has on disk, and which part of that it can read.
#pragma once

#include "core/items/file_extent.h"

namespace butterfuse {

inline bool is_on_disk(const FileExtent& extent) {
  return (extent.kind == ExtentKind::regular || extent.kind == ExtentKind::prealloc) &&
         extent.disk_bytenr != 0;
}

// The stored bytes whose checksums this item needs: those of a compressed extent as a whole. REQUIRES
// is_on_disk().
inline ByteRange stored_range(const FileExtent& extent) {
  if (extent.compression != compression_type::kNone)
    return ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes);
  return ByteRange::at(extent.disk_bytenr + extent.offset, extent.num_bytes);
}

}  // namespace butterfuse
