// SPDX-License-Identifier: GPL-2.0-or-later
// Survey: which trees of a file system are good as they are, and what is left of the others.
#pragma once

#include "core/survey/forest.h"
#include "core/survey/report.h"
#include "core/volume/volume.h"

namespace butterfuse::repair {

// What only a check can know: the tree is written anew even if all its blocks are good.
struct ForestWishes {
  bool new_csums = false;   // check found checksum items that are wrong
  bool new_quotas = false;  // quota numbers are wrong
  bool new_chunks = false;  // what the chunk tree says of devices is wrong
};

// Reads the whole file system. ENOENT and EUCLEAN when there is no root tree to go by. Each loss is reported.
// EUCLEAN, too, where the rest would bury what is still there: the chunk tree is not whole, or nothing of a
// subvolume can be read. Changes the chunks and devices known to the volume, nothing on a device.
Result<Forest> survey(Volume& volume, const ForestWishes& wishes, const Report& report);

}  // namespace butterfuse::repair
