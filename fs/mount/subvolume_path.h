// SPDX-License-Identifier: GPL-2.0-or-later
// SubvolumePath: from a path in the directory tree to the subvolume it names (mount option subvol=).
#pragma once

#include <string_view>

#include "core/read/extent_reader.h"
#include "core/transaction/filesystem.h"

namespace butterfuse {

// As the kernel walks it, from the top level subvolume, behind which ".." does not lead: symbolic links are
// followed, absolute ones from the top level. ENOENT; EINVAL where the path ends at a directory inside of a
// subvolume; ENOTDIR; ELOOP behind 40 links.
Result<uint64_t> subvolume_by_path(Filesystem& filesystem, ExtentReader& reader, std::string_view path);

}  // namespace butterfuse
