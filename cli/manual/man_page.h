// SPDX-License-Identifier: GPL-2.0-or-later
// ManPage: a CommandPage in section 8 of the manual.
#pragma once

#include <string>
#include <vector>

#include "cli/manual/command_page.h"

namespace butterfuse {

struct ManualFile {
  std::string name;  // "butterfuse-mount.8"
  std::string text;  // roff
};

// Subcommands of a command are on its page; those of the program have one each.
std::string man_page(const CommandPage& page);

// All pages of the program, and links to them by the names in CommandNotes::programs.
std::vector<ManualFile> man_pages(const CommandPage& program);

}  // namespace butterfuse
