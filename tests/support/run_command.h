// SPDX-License-Identifier: GPL-2.0-or-later
// run_command: a program run to its end, with what it said.
#pragma once

#include <string>
#include <vector>

struct CommandResult {
  int exit_code = -1;  // 128 + signal when killed, 127 when not found
  std::string output;  // stdout and stderr together
  bool ok() const { return exit_code == 0; }
};

// No shell in between. Killed (exit code 137) after `timeout_s`.
CommandResult run_command(const std::vector<std::string>& arguments, int timeout_s = 120);

bool have_program(const std::string& name);  // in $PATH, /sbin or /usr/sbin
bool running_as_root();
