// SPDX-License-Identifier: GPL-2.0-or-later
// CommandPage: the walk over CLI11's declarations.
#include "cli/manual/command_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace butterfuse {
namespace {

// CLI11 keeps them by address.
std::vector<std::string> names_of(const std::set<CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) names.push_back(option->get_name());
  std::ranges::sort(names);
  return names;
}

// Behind a colon it has the checks of the value.
std::string value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return {};
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  entry.is_required = option.get_required();
  entry.takes_several = option.get_expected_max() > 1;
  entry.help = option.get_description();
  entry.needs = names_of(option.get_needs());
  entry.excludes = names_of(option.get_excludes());
  if (option.get_positional()) {
    entry.names = {option.get_name(true)};
    return entry;
  }
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  entry.value = value_of(option);
  return entry;
}

CommandPage page_below(const CLI::App& command, std::vector<std::string> path) {
  CommandPage page;
  path.push_back(command.get_name());
  page.path = std::move(path);
  page.aliases = command.get_aliases();
  page.summary = command.get_description();
  // Of the program, whose help has nothing else above it.
  if (const std::string title = command.get_name() + ": "; page.summary.starts_with(title))
    page.summary.erase(0, title.size());
  page.exit_codes = &exit_codes_of(page.path.size() > 1 ? page.path[1] : "");
  if (const auto* told = dynamic_cast<const Command*>(&command)) page.notes = told->notes();
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    (option->get_positional() ? page.operands : page.options).push_back(entry_of(*option));
  }
  for (const CLI::App* below : command.get_subcommands({}))
    if (!below->get_group().empty()) page.subcommands.push_back(page_below(*below, page.path));
  return page;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

}  // namespace

std::string CommandPage::words() const { return joined(path, " "); }

std::string CommandPage::name() const { return joined(path, "-"); }

CommandPage page_of(const CLI::App& program) { return page_below(program, {}); }

std::vector<std::string> usage_words(const CommandPage& page) {
  std::vector<std::string> words;
  if (!page.options.empty()) words.emplace_back("[OPTION]...");
  for (const OptionEntry& operand : page.operands) {
    std::string word = operand.names.front();
    if (operand.takes_several && word.find("...") == std::string::npos) word += "...";
    words.push_back(operand.is_required ? word : "[" + word + "]");
  }
  if (!page.subcommands.empty()) words.emplace_back("COMMAND [ARGUMENT]...");
  return words;
}

std::string conditions_of(const OptionEntry& option) {
  std::string text;
  if (!option.needs.empty()) text = "only with " + joined(option.needs, ", ");
  if (option.excludes.empty()) return text;
  return text + (text.empty() ? "" : "; ") + "not with " + joined(option.excludes, ", ");
}

}  // namespace butterfuse
