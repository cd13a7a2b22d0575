// SPDX-License-Identifier: GPL-2.0-or-later
// Limits: what setrlimit(2) allows this process.
#pragma once

#include <string>

#include "core/base/result.h"

namespace butterfuse {

// Soft limits on the size of files and the number of descriptors become what the hard ones allow, and going
// beyond the first is EFBIG of the call instead of the end of the process. First thing in main().
void use_hard_limits();

// EFBIG when this regular file could not be written to its end. Anything else may be written.
Status check_file_size_limit(const std::string& path);

}  // namespace butterfuse
