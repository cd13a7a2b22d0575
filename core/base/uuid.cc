// SPDX-License-Identifier: GPL-2.0-or-later
// Uuid as text, and random ones.
#include "core/base/uuid.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>

#include "core/base/assert.h"

namespace butterfuse {

namespace {

constexpr bool dash_before_byte(size_t index) {
  return index == 4 || index == 6 || index == 8 || index == 10;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Uuid::to_text() const {
  std::string text;
  text.reserve(36);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (dash_before_byte(i)) text += '-';
    fmt::format_to(std::back_inserter(text), "{:02x}", bytes[i]);
  }
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  Uuid uuid;
  size_t position = 0;
  for (size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (dash_before_byte(i) && text[position++] != '-') return std::nullopt;
    int high = hex_digit(text[position++]);
    int low = hex_digit(text[position++]);
    if (high < 0 || low < 0) return std::nullopt;
    uuid.bytes[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return uuid;
}

Uuid Uuid::random() {
  Uuid uuid;
  ssize_t got;
  do {
    got = ::getrandom(uuid.bytes.data(), uuid.bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  BF_ASSERT(got == ssize_t(uuid.bytes.size()), "getrandom gave {} bytes", got);
  uuid.bytes[6] = (uuid.bytes[6] & 0x0f) | 0x40;  // version 4
  uuid.bytes[8] = (uuid.bytes[8] & 0x3f) | 0x80;  // variant of RFC 4122
  return uuid;
}

}  // namespace butterfuse
