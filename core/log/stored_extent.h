// SPDX-License-Identifier: GPL-2.0-or-later
// What a file extent item has on disk, and which part of that it can read.
#pragma once

#include "core/items/file_extent.h"

namespace butterfuse {

// Regular or preallocated; not a hole, not inline data.
inline bool is_on_disk(const FileExtent& extent) {
  return (extent.kind == ExtentKind::regular || extent.kind == ExtentKind::prealloc) &&
         extent.disk_bytenr != 0;
}

// The stored bytes whose checksums this item needs, of a compressed extent all. REQUIRES is_on_disk().
inline ByteRange stored_range(const FileExtent& extent) {
  if (extent.compression != compression_type::kNone)
    return ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes);
  return ByteRange::at(extent.disk_bytenr + extent.offset, extent.num_bytes);
}

}  // namespace butterfuse
