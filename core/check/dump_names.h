// Names of trees in dumps.
#pragma once

#include <cstdint>
#include <string_view>

namespace butterfuse {

std::string_view tree_title(uint64_t root_id);  // "extent tree", "file tree", ...

}  // namespace butterfuse
