// SPDX-License-Identifier: GPL-2.0-or-later
// MarkdownPage: all commands as one document.
#pragma once

#include <string>

#include "cli/manual/command_page.h"

namespace butterfuse {

// docs/commands.md, to the last byte.
std::string markdown_page(const CommandPage& program);

}  // namespace butterfuse
