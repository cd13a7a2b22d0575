// SPDX-License-Identifier: GPL-2.0-or-later
// Option words: where they end, and what their values mean.
//
// Two ways to write a comma meet here: quotes around a value, as mount(8) has them (context="a,b"), and
// a backslash, as programs of FUSE know it (subvol=a\,b). A name of btrfs may hold quotes and
// backslashes that mean themselves, so as little as possible is special: a quote only as the first byte
// of a value that another one ends, right before a comma or the end; a backslash only before a comma, a
// quote or another backslash.
//
//   subvol="a,b",ro     value a,b           subvol="ab,ro        value "ab    (nothing ends the quote)
//   subvol=a\,b,ro      value a,b           subvol=a\b,ro        value a\b
#include "fs/options/option_words.h"

#include <algorithm>

namespace butterfuse {
namespace {

bool is_escape(std::string_view text, size_t at) {
  constexpr std::string_view kEscaped = ",\"\\";
  return text[at] == '\\' && at + 1 < text.size() && kEscaped.find(text[at + 1]) != std::string_view::npos;
}

// Behind the quote that ends the value; npos when none does: then the first is part of a name.
size_t end_of_quoted(std::string_view text, size_t start) {
  for (size_t at = start + 1; at < text.size(); ++at) {
    if (is_escape(text, at)) {
      ++at;
    } else if (text[at] == '"' && (at + 1 == text.size() || text[at + 1] == ',')) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::string_view take_option_word(std::string_view& text) {
  // A word without "=" ends at the comma: whatever quotes are in it are part of a name.
  size_t end = 0;
  const size_t equals = text.find_first_of("=,");
  if (equals < text.size() && text[equals] == '=') {
    end = equals + 1;
    if (end < text.size() && text[end] == '"')
      if (const size_t behind = end_of_quoted(text, end); behind != std::string_view::npos) end = behind;
  }
  // Behind a quoted value there is the comma already. An escape is always two bytes that are there.
  while (end < text.size() && text[end] != ',') end += is_escape(text, end) ? 2 : 1;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end + 1));
  return word;
}

std::string unescaped_option_value(std::string_view value) {
  if (value.size() > 1 && value.front() == '"' && end_of_quoted(value, 0) == value.size())
    value = value.substr(1, value.size() - 2);
  std::string plain;
  for (size_t at = 0; at < value.size(); ++at) {
    if (is_escape(value, at)) ++at;
    plain += value[at];
  }
  return plain;
}

}  // namespace butterfuse
