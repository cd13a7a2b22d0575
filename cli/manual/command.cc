// SPDX-License-Identifier: GPL-2.0-or-later
// Command: the constructors, and the end of the help.
#include "cli/manual/command.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace butterfuse {
namespace {

constexpr size_t kHelpColumn = 30;  // where CLI11 begins explanations

std::string two_columns(const TermList& list) {
  std::string text = list.title.empty() ? "" : list.title + ":\n";
  for (const auto& [term, meaning] : list.entries) {
    const std::string left = "  " + term;
    text += left.size() < kHelpColumn ? fmt::format("{:<{}}", left, kHelpColumn)
                                      : fmt::format("{}\n{:{}}", left, "", kHelpColumn);
    text += meaning + "\n";
  }
  return text;
}

std::string end_of_help(const CommandNotes& notes, const ExitCodes& codes) {
  std::string text;
  if (!notes.lists.empty())
    text =
        fmt::format("{}{}{}:\n", notes.lists_title, notes.lists_about.empty() ? "" : ", ", notes.lists_about);
  if (!notes.lists.empty() && !notes.lists.front().title.empty()) text += "\n";
  for (const TermList& list : notes.lists) text += two_columns(list) + "\n";
  return text + exit_status_line(codes);
}

}  // namespace

Command::Command(const std::string& name, const std::string& summary, CommandNotes notes)
    : CLI::App(summary, name), notes_(std::move(notes)) {
  footer(end_of_help(notes_, exit_codes()));
}

Command::Command(const std::string& name, const std::string& summary, CommandNotes notes, CLI::App* parent)
    : CLI::App(summary, name, parent), notes_(std::move(notes)) {
  footer(end_of_help(notes_, exit_codes()));
}

const ExitCodes& Command::exit_codes() const {
  const CLI::App* command = this;
  while (command->get_parent() != nullptr && command->get_parent()->get_parent() != nullptr)
    command = command->get_parent();
  return exit_codes_of(command->get_parent() == nullptr ? "" : command->get_name());
}

CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& summary,
                      CommandNotes notes) {
  return parent.add_subcommand(
      std::shared_ptr<Command>(new Command(name, summary, std::move(notes), &parent)));
}

}  // namespace butterfuse
