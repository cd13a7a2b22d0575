// SPDX-License-Identifier: GPL-2.0-or-later
// Views of raw bytes: the one spelling used between rooms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace butterfuse {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
template <class T>
ByteSpan object_bytes(const T& object) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const std::byte*>(&object), sizeof(T)};
}
// Copies a packed on-disk struct out of bytes. REQUIRES: bytes.size() >= sizeof(T).
template <class T>
T load(ByteSpan bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  T object;
  std::memcpy(static_cast<void*>(&object), bytes.data(), sizeof(T));
  return object;
}
// Copies a packed on-disk struct into bytes. REQUIRES: bytes.size() >= sizeof(T).
template <class T>
void store(MutableByteSpan bytes, const T& object) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(bytes.data(), static_cast<const void*>(&object), sizeof(T));
}

}  // namespace butterfuse
