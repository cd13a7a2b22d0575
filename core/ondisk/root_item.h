// SPDX-License-Identifier: GPL-2.0-or-later
// Root items of any age: old ones end early, and what is missing counts as zero.
#pragma once

#include <algorithm>

#include "core/base/bytes.h"
#include "core/ondisk/format.h"

namespace butterfuse {

inline DiskRootItem load_root_item(ByteSpan data) {
  DiskRootItem item{};
  std::memcpy(static_cast<void*>(&item), data.data(), std::min(data.size(), sizeof item));
  return item;
}
// As much as the item has room for.
inline void store_root_item(MutableByteSpan data, const DiskRootItem& item) {
  std::memcpy(data.data(), &item, std::min(data.size(), sizeof item));
}

}  // namespace butterfuse
