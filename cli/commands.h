// SPDX-License-Identifier: GPL-2.0-or-later
// The subcommands of the program: one function each, one file each.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/manual/command.h"

namespace butterfuse {

// What the chosen subcommand's callback leaves for main() to exit with.
struct CommandResult {
  int exit_status = 0;
};

void add_mkfs_command(CLI::App& app, CommandResult& result);
void add_mount_command(CLI::App& app, CommandResult& result);
void add_umount_command(CLI::App& app, CommandResult& result);
void add_check_command(CLI::App& app, CommandResult& result);
void add_scrub_command(CLI::App& app, CommandResult& result);
void add_inspect_command(CLI::App& app, CommandResult& result);

}  // namespace butterfuse
