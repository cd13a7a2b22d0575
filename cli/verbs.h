// SPDX-License-Identifier: GPL-2.0-or-later
// Verbs: telling a command from the source of a mount without one ("butterfuse SOURCE MOUNTPOINT").
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace butterfuse {

// The full name of the subcommand of this name or alias; empty when there is none.
std::string subcommand_named(const CLI::App& app, const std::string& word);

// What is to be said when the first of the arguments is neither a subcommand nor the source of a mount. A
// verb of btrfs(8) that is missing here is none even where a file has its name: ./balance means the file.
// Nothing for options, paths, and files that are here. "help" and "version" are verbs, too.
std::optional<std::string> refusal_of_verb(const CLI::App& app, const std::vector<std::string>& arguments);

// The same for the second argument, of subcommands that have subcommands.
std::optional<std::string> refusal_of_subverb(const CLI::App& app, const std::vector<std::string>& arguments);

}  // namespace butterfuse
