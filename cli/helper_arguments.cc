// SPDX-License-Identifier: GPL-2.0-or-later
// HelperArguments: flags are taken out of their bundles (-rnv), and translated one by one.
//
// The same letters mean two things. For mount(8) and its helpers -f is "fake" and -s is "sloppy"; for
// programs of FUSE they are "foreground" and "single thread", and people type these after `butterfuse mount`.
// Who calls decides: by the name mount.TYPE it is mount(8). Bundles (-fnv) must be taken apart before that,
// and a letter that takes a value ends its bundle: "-ofake" is the option "fake".
#include "cli/helper_arguments.h"

#include <algorithm>
#include <string_view>

namespace butterfuse {
namespace {

// Visits "-x" for each flag of a bundle, with the value of those letters that take one,
// and other words as they are.
template <class Visit>
void for_each_flag(const std::vector<std::string>& arguments, std::string_view with_value, Visit visit) {
  bool only_names = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    only_names |= word == "--";
    if (only_names || word.size() < 2 || word[0] != '-' || word[1] == '-') {
      visit(word, nullptr);
      continue;
    }
    for (size_t at = 1; at < word.size(); ++at) {
      const std::string flag{'-', word[at]};
      if (with_value.find(word[at]) == std::string_view::npos) {
        visit(flag, nullptr);
        continue;
      }
      const std::string rest = word.substr(at + 1);
      const bool is_next = rest.empty() && i + 1 < arguments.size();
      if (is_next) ++i;
      visit(flag, is_next ? &arguments[i] : rest.empty() ? nullptr : &rest);
      break;
    }
  }
}

}  // namespace

std::vector<std::string> mount_arguments(const std::vector<std::string>& arguments, bool as_helper) {
  std::vector<std::string> result;
  for_each_flag(arguments, "otN", [&](const std::string& flag, const std::string* value) {
    if (flag == "-r" || flag == "--read-only") {
      result.insert(result.end(), {"-o", "ro"});
    } else if (flag == "-w" || flag == "--rw" || flag == "--read-write") {
      result.insert(result.end(), {"-o", "rw"});
    } else if (as_helper && flag == "-f") {
      result.push_back("--fake");
    } else if (as_helper && flag == "-s") {
      result.push_back("--sloppy");
    } else {
      result.push_back(flag);
    }
    if (value != nullptr) result.push_back(*value);
  });
  return result;
}

std::vector<std::string> fsck_arguments(const std::vector<std::string>& arguments) {
  // Letters of fsck(8) itself, and of checkers of other types, that ask for nothing of ours. What is not
  // among them comes through, and is refused where it is unknown.
  constexpr std::string_view kForOthers = "CMNPRTVdlrstv";
  std::vector<std::string> result;
  for (const std::string& word : arguments) {
    if (word.starts_with("-C")) continue;
    for_each_flag({word}, "", [&](const std::string& flag, const std::string*) {
      if (flag == "-p") {
        result.push_back("-a");
      } else if (flag.size() != 2 || flag[0] != '-' || kForOthers.find(flag[1]) == std::string_view::npos) {
        result.push_back(flag);
      }
    });
  }
  return result;
}

}  // namespace butterfuse
