// SPDX-License-Identifier: GPL-2.0-or-later
// Help: what `butterfuse help` prints for others than people at a terminal: manual pages and a document.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/manual/command.h"

namespace butterfuse {

// Does "help --man [COMMAND]", "help --man-pages FOLDER" and "help --markdown", and returns the exit status;
// nothing for other arguments. `arguments` are the program's. A folder that is missing is made.
std::optional<int> print_manual(const CLI::App& program, const std::vector<std::string>& arguments);

}  // namespace butterfuse
