// Option words: where they end, and what their values mean.
#include "fs/vfs/option_words.h"

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
  size_t end = 0;
  const size_t equals = text.find_first_of("=,");
  if (equals < text.size() && text[equals] == '=') {
    end = equals + 1;
    if (end < text.size() && text[end] == '"')
      if (const size_t behind = end_of_quoted(text, end); behind != std::string_view::npos) end = behind;
  }
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
