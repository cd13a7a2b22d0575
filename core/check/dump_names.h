// SPDX-License-Identifier: GPL-2.0-or-later
// Tree titles: what trees are called in dumps.
#pragma once

#include <cstdint>
#include <string_view>

namespace butterfuse {

std::string_view tree_title(uint64_t root_id);  // "extent tree", "file tree", ...

}  // namespace butterfuse
