// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers: integers and sizes as people write them in options.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/result.h"

namespace butterfuse {

// The whole text is one number of this type: no sign that it has not, no blanks, nothing behind it.
template <class T>
std::optional<T> parse_integer(std::string_view text, int base = 10) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Bytes: a whole number and a unit of base 1024 in either case, as btrfs-progs has them: 4096, 4096b, 16k,
// 16K, 16KB, 16KiB, and so on for m, g, t, p, e. Nothing for other words and for what 64 bits don't hold.
std::optional<uint64_t> parse_size(std::string_view text);
// EINVAL tells the text, and what is wanted. `what` is for the message: "byte count".
Result<uint64_t> parse_size(std::string_view text, std::string_view what);

}  // namespace butterfuse
