// SPDX-License-Identifier: GPL-2.0-or-later
// Little-endian integers: as they lie on disk, converted on every access, never aligned.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace butterfuse {

static_assert(std::endian::native == std::endian::little, "byte swapping is not written yet");

template <class T>
struct [[gnu::packed]] Le {
  T raw;
  Le() = default;
  constexpr Le(T value) : raw(value) {}  // NOLINT: implicit on purpose, it stands for the integer
  constexpr operator T() const { return raw; }
};
using le16 = Le<uint16_t>;
using le32 = Le<uint32_t>;
using le64 = Le<uint64_t>;

}  // namespace butterfuse
