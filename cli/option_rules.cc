// SPDX-License-Identifier: GPL-2.0-or-later
// OptionRules: a walk over what CLI11 was told.
#include "cli/option_rules.h"

#include <algorithm>
#include <string_view>

namespace butterfuse {
namespace {

// No label, and no mount option.
constexpr std::string_view kMayBeEmpty[] = {"--label", "--options"};

bool may_be_empty(const CLI::Option& option) {
  return std::ranges::any_of(kMayBeEmpty,
                             [&](std::string_view name) { return option.check_name(std::string(name)); });
}

std::string refusal_of_empty(const std::string& value) { return value.empty() ? "it is empty" : ""; }

}  // namespace

void apply_option_rules(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 0) continue;  // a flag
    if (option->get_items_expected_max() == 1 &&
        option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    if (!may_be_empty(*option)) option->check(refusal_of_empty, "");
  }
  for (CLI::App* command : app.get_subcommands({})) apply_option_rules(*command);
}

std::vector<std::string> with_empty_values(const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  bool only_names = false;
  for (const std::string& word : arguments) {
    only_names |= word == "--";
    const bool is_empty_value =
        !only_names && word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1;
    if (!is_empty_value) {
      result.push_back(word);
      continue;
    }
    result.push_back(word.substr(0, word.size() - 1));
    result.emplace_back();
  }
  return result;
}

}  // namespace butterfuse
