// SPDX-License-Identifier: GPL-2.0-or-later
// What a mount shows: every name, and what is in the files.
#pragma once

#include <string>

#include "tests/seams/names_model.h"

namespace butterfuse::seams {

// Reads it all. What can't be read is put into `problems`.
FoundNode read_tree(const std::string& path, std::vector<std::string>& problems);

}  // namespace butterfuse::seams
