// SPDX-License-Identifier: GPL-2.0-or-later
// SourceName: what everybody calls the file that somebody has named.
#pragma once

#include <string>

namespace butterfuse {

// The kernel's name for what is found at `path` now: absolute, without symbolic links and "..", and with
// a file of that name behind /dev/fd/N and /dev/stdin. A device-mapper device is called as in
// /dev/mapper. Of a file that was deleted it says so; where nothing is found, or /proc is not there, it
// is `path` made absolute.
std::string source_name(const std::string& path);

}  // namespace butterfuse
