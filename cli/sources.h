// Sources: the image files and block devices of one file system, as named on the command line.
#pragma once

#include <string>
#include <vector>

#include "core/volume/volume.h"

namespace butterfuse {

// Opens all of them. EEXIST when two names mean the same file. With several sources, seed devices are opened
// read-only even for writing: a sprout never writes its seed, which may be shared.
Result<BlockDevices> open_sources(const std::vector<std::string>& paths, const OpenOptions& options);

}  // namespace butterfuse
