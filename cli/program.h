// SPDX-License-Identifier: GPL-2.0-or-later
// Program: all commands in one declaration.
#pragma once

#include <memory>

#include "cli/commands.h"
#include "cli/manual/command.h"

namespace butterfuse {

// The commands' callbacks write to `result`, which must outlive the parsing.
std::unique_ptr<Command> make_program(CommandResult& result);

}  // namespace butterfuse
