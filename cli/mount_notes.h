// SPDX-License-Identifier: GPL-2.0-or-later
// MountNotes: what the manual of mount says beyond its flags: above all the mount options.
#pragma once

#include "cli/manual/command.h"

namespace butterfuse {

// With all rows of fs/options/option_table.h, group by group.
CommandNotes mount_notes();

}  // namespace butterfuse
