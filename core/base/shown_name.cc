// SPDX-License-Identifier: GPL-2.0-or-later
// shown_name: decoding UTF-8 one character at a time.
#include "core/base/shown_name.h"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace butterfuse {
namespace {

struct Character {
  uint32_t code = 0;
  size_t bytes = 0;  // 0: no UTF-8
};

// One character of shortest form (RFC 3629), no surrogate.
Character decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  uint32_t code = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, length};
}

bool acts_on_terminals(uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  if (code == 0x2028 || code == 0x2029) return true;                    // line and paragraph separator
  if (code == 0x200e || code == 0x200f || code == 0x061c) return true;  // direction marks
  return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

std::string shown(std::string_view bytes, bool with_backslashes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const Character next = decode(bytes);
    const size_t taken = next.bytes == 0 ? 1 : next.bytes;
    if (next.bytes == 0 || acts_on_terminals(next.code) || (with_backslashes && next.code == '\\')) {
      for (const char byte : bytes.substr(0, taken))
        fmt::format_to(std::back_inserter(text), "\\x{:02x}", static_cast<unsigned char>(byte));
    } else {
      text += bytes.substr(0, taken);
    }
    bytes.remove_prefix(taken);
  }
  return text;
}

}  // namespace

std::string shown_name(std::string_view bytes) { return shown(bytes, true); }

std::string shown_text(std::string_view message) { return shown(message, false); }

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t taken = decode(bytes).bytes;
    if (taken == 0) return false;
    bytes.remove_prefix(taken);
  }
  return true;
}

}  // namespace butterfuse
