// SPDX-License-Identifier: GPL-2.0-or-later
// CommandPage: all that is to be said of one command, as values, for whoever prints it.
#pragma once

#include <string>
#include <vector>

#include "cli/manual/command.h"

namespace butterfuse {

// One option, or one operand (a word that is known by its place).
struct OptionEntry {
  std::vector<std::string> names;  // "-o", "--options"; of an operand its one name
  std::string value;               // what an option takes, as "SIZE"; empty for a flag and for operands
  bool is_required = false;
  bool takes_several = false;
  std::string help;
  std::vector<std::string> needs, excludes;  // the last names of other options
};

struct CommandPage {
  std::vector<std::string> path;  // "butterfuse", "inspect", "dump-tree"
  std::vector<std::string> aliases;
  std::string summary;
  std::vector<OptionEntry> operands, options;
  CommandNotes notes;
  const ExitCodes* exit_codes = nullptr;  // constant data of the program, never null
  std::vector<CommandPage> subcommands;

  std::string words() const;  // "butterfuse inspect dump-tree"
  std::string name() const;   // "butterfuse-inspect-dump-tree"
};

// A walk over what CLI11 was told, from the program on. Hidden options and commands (those of no group) are
// left out.
CommandPage page_of(const CLI::App& program);

// What a usage line has behind the command's words: "[OPTION]...", "[SOURCE...]".
std::vector<std::string> usage_words(const CommandPage& page);

// "only with --repair; not with --undo"; empty where an option stands alone.
std::string conditions_of(const OptionEntry& option);

}  // namespace butterfuse
