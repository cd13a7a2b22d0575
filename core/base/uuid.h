// SPDX-License-Identifier: GPL-2.0-or-later
// Uuid: 16 bytes, printed in the usual 8-4-4-4-12 form.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace butterfuse {

struct Uuid {
  std::array<uint8_t, 16> bytes{};
  bool is_null() const { return *this == Uuid{}; }
  std::string to_text() const;
  static std::optional<Uuid> parse(std::string_view text);
  static Uuid random();  // version 4, from getrandom(2)
  friend bool operator==(const Uuid&, const Uuid&) = default;
};

}  // namespace butterfuse
