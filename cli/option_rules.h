// SPDX-License-Identifier: GPL-2.0-or-later
// OptionRules: what holds for the options of all subcommands, so that no subcommand forgets it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace butterfuse {

// Of an option with one value that is given more than once, the last counts, as for getopt's programs. A
// value that is there but empty is wrong usage: it is a script's variable that nobody set, and must not mean
// "as if not given". Call it when all subcommands are there.
void apply_option_rules(CLI::App& app);

// "--name=" as "--name" and an empty word: CLI11 would take the next argument for its value. `mkfs --label=
// IMAGE` would lose its image to the label.
std::vector<std::string> with_empty_values(const std::vector<std::string>& arguments);

}  // namespace butterfuse
