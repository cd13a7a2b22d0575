// SPDX-License-Identifier: GPL-2.0-or-later
// Mount options from a comma separated string, as mount(8) and fstab have it.
#pragma once

#include <string_view>

#include "fs/options/options.h"

namespace butterfuse {

enum class UnknownOptions { refuse, pass_over };  // of a name that nobody knows: `-s` of mount(8)

// Adds `text` ("compress=zstd:3,ro") to `options`, by the table in option_table.h; the last word on a subject
// wins, also over one of an earlier call. Empty words count for nothing. EINVAL names an unknown option, or a
// bad value and what is allowed; ENOTSUP names one that is known but refused. After an error `options` has
// what came before it. Conflicts: check_mount_options().
Status parse_mount_options(std::string_view text, MountOptions& options,
                           UnknownOptions unknown = UnknownOptions::refuse);

}  // namespace butterfuse
