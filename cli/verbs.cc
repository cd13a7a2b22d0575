// SPDX-License-Identifier: GPL-2.0-or-later
// Verbs: what looks like a command is never mounted.
//
// `butterfuse IMAGE DIR` mounts, so a mistyped command would be taken for an image: `butterfuse chekc
// disk.img` would say "chekc: no such file", or worse, mount what has that name. The word decides, by the
// first that fits: ours; of btrfs(8) and missing here (refused, file or not); has a slash or a dot, or is a
// file that is here (a source); anything else (refused, with the nearest command).
#include "cli/verbs.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/base/nearest_word.h"

namespace butterfuse {
namespace {

// Those of btrfs(8) that are not ours.
constexpr std::string_view kMissing[] = {"balance", "device",  "filesystem", "property",
                                         "qgroup",  "quota",   "receive",    "replace",
                                         "rescue",  "restore", "send",       "subvolume"};

std::vector<std::string_view> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string_view> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

// A name with a dot is meant as a file, and missed as one.
bool may_be_file(const std::string& word) {
  // A directory is no source: of `butterfuse mnt` the command was forgotten.
  struct stat info {};
  if (word.find_first_of("/.") != std::string::npos) return true;
  return ::stat(word.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

std::string unknown_command(const std::string& word, const std::vector<std::string_view>& names) {
  return fmt::format("unknown command '{}'{} (commands are {})", word, did_you_mean(word, names),
                     fmt::join(names, ", "));
}

}  // namespace

std::string subcommand_named(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : app.get_subcommands({}))
    if (command->check_name(word)) return command->get_name();
  return {};
}

std::optional<std::string> refusal_of_verb(const CLI::App& app, const std::vector<std::string>& arguments) {
  const std::string& word = arguments.front();
  const std::string second = arguments.size() > 1 ? arguments[1] : "";
  if (word == "version" && !second.empty())
    return fmt::format("version: '{}' was not expected (an image of the name version is ./version)", second);
  if (word == "help" && !second.empty() && !second.starts_with('-') && subcommand_named(app, second).empty())
    return "help: " + unknown_command(second, names_of(app.get_subcommands({})));
  if (word == "help" || word == "version" || word.starts_with('-') || !subcommand_named(app, word).empty())
    return std::nullopt;
  const auto commands = names_of(app.get_subcommands({}));
  const std::string list = fmt::format("commands are {}", fmt::join(commands, ", "));
  if (std::ranges::find(kMissing, word) != std::end(kMissing))
    return fmt::format("'{}' is a command of btrfs that is not supported (an image of this name is ./{}; {})",
                       word, word, list);
  if (may_be_file(word)) return std::nullopt;
  const std::string meant = did_you_mean(word, commands);
  return fmt::format("unknown command '{}', and no file of this name is here{} ({})", word, meant, list);
}

std::optional<std::string> refusal_of_subverb(const CLI::App& app,
                                              const std::vector<std::string>& arguments) {
  for (const CLI::App* command : app.get_subcommands({})) {
    const auto names = names_of(command->get_subcommands({}));
    if (names.empty() || arguments.size() < 2 || !command->check_name(arguments[0])) continue;
    const std::string& word = arguments[1];
    if (word.starts_with('-') || !subcommand_named(*command, word).empty()) continue;
    return unknown_command(word, names);
  }
  return std::nullopt;
}

}  // namespace butterfuse
