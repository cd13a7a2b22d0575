// SPDX-License-Identifier: GPL-2.0-or-later
// tamper: changes an image through the engine, without a mount: what no mount would do.
#pragma once

#include <string>

#include "tests/support/mkfs_image.h"

// Calls work(filesystem, its top subvolume's tree), then commits. REQUIRES that nobody has the image open.
template <class Work>
void tamper(const std::string& path, const Work& work) {
  const auto filesystem = open_image(path);
  work(*filesystem, *must(filesystem->subvolume(butterfuse::objectid::kFsTree)));
  must(filesystem->close());
}
