// SPDX-License-Identifier: GPL-2.0-or-later
// Checksums of tree blocks and data sectors: crc32c, xxhash64, sha256, blake2b-256.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bytes.h"

namespace butterfuse {

enum class CsumType : uint16_t { crc32c = 0, xxhash = 1, sha256 = 2, blake2 = 3 };

constexpr size_t kCsumMaxBytes = 32;
using CsumValue = std::array<std::byte, kCsumMaxBytes>;  // unused tail is zero

size_t csum_size(CsumType type);  // 4, 8, 32, 32 bytes
std::string_view csum_name(CsumType type);
std::optional<CsumType> csum_from_name(std::string_view name);

// The checksum as it is stored on disk. Thread-safe.
CsumValue checksum(CsumType type, ByteSpan data);

// crc32c as btrfs stores it (seed ~0, inverted at the end).
uint32_t crc32c(ByteSpan data);
// crc32c without pre- and post-inversion, continued from `seed`: the hash of names.
uint32_t crc32c_raw(uint32_t seed, ByteSpan data);
// Hash of a directory entry name: offset of DIR_ITEM and XATTR_ITEM keys (seed ~1).
uint32_t name_hash(std::string_view name);
// Hash of an extref: offset of INODE_EXTREF keys.
uint64_t extref_hash(uint64_t parent_ino, std::string_view name);

// A hash that is stored nowhere: whoever does not know the seed can't make two data that have the same one.
struct Hash128 {
  uint64_t low = 0, high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};
Hash128 hash128(ByteSpan data, uint64_t seed);

}  // namespace butterfuse
