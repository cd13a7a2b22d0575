// SPDX-License-Identifier: GPL-2.0-or-later
// Device statistics: the error counts of devices, kept in the device tree as the kernel keeps them.
#pragma once

#include "core/btree/cursor.h"
#include "core/volume/volume.h"

namespace butterfuse {

// Goes on counting where the items stop. Devices without one begin at zero. Damage here keeps nobody out.
void load_device_stats(Tree& device_tree, Volume& volume);
// Whether write_device_stats has something to do.
bool device_stats_changed(const Volume& volume);
Status write_device_stats(CowContext& context, Tree& device_tree, Volume& volume);

}  // namespace butterfuse
