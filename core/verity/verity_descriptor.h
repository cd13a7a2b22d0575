// SPDX-License-Identifier: GPL-2.0-or-later
// VerityDescriptor: how the content of a sealed file is hashed, and what comes out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace butterfuse {

enum class VerityHash : uint8_t { sha256 = 1, sha512 = 2 };  // as FS_VERITY_HASH_ALG_* count them

constexpr uint64_t kVerityDescriptorMax = 16384;               // bytes, with a signature: what kernels take
constexpr int kVerityLevelsMax = 8;                            // of the Merkle tree: what kernels take
constexpr size_t kVerityDigestMax = 64;                        // of SHA-512
using VerityDigest = std::array<std::byte, kVerityDigestMax>;  // unused tail is zero

size_t digest_size(VerityHash hash);  // 32, 64
// Of the parts, one behind the other. Aborts where libcrypto fails.
VerityDigest digest_of(VerityHash hash, std::initializer_list<ByteSpan> parts);

struct VerityDescriptor {
  VerityHash hash = VerityHash::sha256;
  uint32_t block_size = 0;  // bytes, of data and of the Merkle tree: 1 KiB to 64 KiB
  uint64_t data_size = 0;
  VerityDigest root_hash{};
  std::vector<std::byte> padded_salt;  // a whole number of the algorithm's own blocks, or empty
  VerityDigest file_digest{};          // what FS_IOC_MEASURE_VERITY says

  // Each level's first block in the Merkle tree, from the hashes of data (0) up to the root block.
  std::vector<uint64_t> level_start;
  uint64_t tree_blocks = 0;

  uint32_t hashes_per_block() const { return block_size / static_cast<uint32_t>(digest_size(hash)); }

  // `bytes` as stored, perhaps with a signature, which is not looked at. EIO for what no kernel accepts, or
  // when it is for content of another size.
  static Result<VerityDescriptor> parse(ByteSpan bytes, uint64_t file_size);
};

}  // namespace butterfuse
