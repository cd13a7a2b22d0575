// SPDX-License-Identifier: GPL-2.0-or-later
// The folder a workload lives in: "work" where the file system had something before, else the top.
#pragma once

#include "fs/names/lookup.h"

namespace butterfuse::crash {

constexpr const char* kWorkFolder = "work";

inline Result<InodePtr> work_folder(Mount& mount) {
  BF_ASSIGN(auto found, lookup(mount, mount.root(), kWorkFolder));
  if (found) return std::move(*found);
  return mount.inodes().get(mount.root().key());
}

}  // namespace butterfuse::crash
