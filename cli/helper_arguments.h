// SPDX-License-Identifier: GPL-2.0-or-later
// HelperArguments: the flags of mount(8) and fsck(8), as options of our subcommands.
#pragma once

#include <string>
#include <vector>

namespace butterfuse {

// -r and -w become "-o ro" and "-o rw" in their place among the other options: the last word wins. Where
// mount(8) calls its helper (mount.TYPE SOURCE DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]), -f is
// --fake and -s is --sloppy; else they are --foreground and --single-thread, as for FUSE programs.
std::vector<std::string> mount_arguments(const std::vector<std::string>& arguments, bool as_helper);

// As fsck(8) calls the checker of a type: preening (-p) is the check at boot, and what is for other checkers
// or for fsck(8) itself is left out, among that -C with the descriptor for its progress.
std::vector<std::string> fsck_arguments(const std::vector<std::string>& arguments);

}  // namespace butterfuse
