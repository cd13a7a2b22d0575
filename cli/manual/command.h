// SPDX-License-Identifier: GPL-2.0-or-later
// Command: a subcommand, and what its manual says beyond the options.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/process/exit_codes.h"

namespace butterfuse {

// Words that are explained, below a title of their own if there is one.
struct TermList {
  std::string title;
  struct Entry {
    std::string term, text;
  };
  std::vector<Entry> entries;
};

struct Example {
  std::string_view command, meaning;
};

// What CLI11 has no place for.
struct CommandNotes {
  // The description; what is to be typed as it stands is in `backquotes`.
  std::vector<std::string_view> paragraphs = {};
  std::string lists_title = {}, lists_about = {};  // of all lists: "Mount options", "for -o"
  std::vector<TermList> lists = {};
  std::vector<Example> examples = {};
  std::vector<std::string_view> programs =
      {};  // names of the program that mean this command: "mkfs.butterfuse"
  std::vector<std::string_view> see_also = {};  // pages of others: "mount(8)"
};

// Made by add_command, but for the program itself; lives as long as its parent.
class Command final : public CLI::App {
 public:
  Command(const std::string& name, const std::string& summary, CommandNotes notes);

  const CommandNotes& notes() const { return notes_; }
  // Those of the command that is chosen by the program's first word.
  const ExitCodes& exit_codes() const;

 private:
  friend CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& summary,
                               CommandNotes notes);
  Command(const std::string& name, const std::string& summary, CommandNotes notes, CLI::App* parent);
  CommandNotes notes_;
};

// Its help ends with the lists of the notes, and with the exit statuses. `summary` is one line.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& summary,
                      CommandNotes notes = {});

}  // namespace butterfuse
