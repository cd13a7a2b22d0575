// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes: a number, and a unit that shifts it.
#include "core/base/numbers.h"

#include <cctype>
#include <cerrno>
#include <string>

namespace butterfuse {
namespace {

// By how many bits a unit shifts. Bytes have no longer form, for "bib" is none.
std::optional<int> shift_of(std::string_view unit) {
  constexpr std::string_view kLetters = "kmgtpe";
  std::string lower;
  for (const char letter : unit) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  if (lower.empty() || lower == "b" || lower == "byte" || lower == "bytes") return 0;
  const size_t index = kLetters.find(lower.front());
  const std::string_view rest = std::string_view(lower).substr(1);
  if (index == std::string_view::npos || !(rest.empty() || rest == "b" || rest == "ib")) return std::nullopt;
  return static_cast<int>(index + 1) * 10;
}

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_integer<uint64_t>(text.substr(0, digits));
  const auto shift = shift_of(text.substr(digits));
  if (!number || !shift || (*number << *shift) >> *shift != *number) return std::nullopt;
  return *number << *shift;
}

Result<uint64_t> parse_size(std::string_view text, std::string_view what) {
  if (const auto size = parse_size(text)) return *size;
  return make_error(
      EINVAL,
      "invalid {} '{}': a whole number is wanted, with k, m, g, t, p or e where it is not in bytes, "
      "below 16e in all",
      what, text);
}

}  // namespace butterfuse
