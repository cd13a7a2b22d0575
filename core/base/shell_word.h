// SPDX-License-Identifier: GPL-2.0-or-later
// shell_word: a name as one word of a shell's command line.
#pragma once

#include <string>

namespace butterfuse {

// As it is where it has nothing that a shell reads as something else, otherwise in single quotes.
inline std::string shell_word(const std::string& name) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,+=@%-";
  if (!name.empty() && name.find_first_not_of(kPlain) == std::string::npos) return name;
  std::string word = "'";
  for (const char byte : name) word += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
  return word + "'";
}

}  // namespace butterfuse
