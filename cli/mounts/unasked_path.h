// SPDX-License-Identifier: GPL-2.0-or-later
// UnaskedPath: the path of a mount point, found without a question to what is mounted there.
#pragma once

#include <string>

namespace butterfuse {

// Absolute and without links, without a question to what is mounted on it: only the folder it is in is looked
// at, and that of what a link leads to. Of one that ends in "..", or can't be resolved, that can't be
// promised: the latter stays as it was given.
std::string unasked_mount_point(const std::string& path);

}  // namespace butterfuse
