// SPDX-License-Identifier: GPL-2.0-or-later
// VerityDescriptor: decoding and judging, and the digests over libcrypto.
//
//     Merkle tree   │ root │ level 1 │ level 0: hashes of data blocks │       in the order they are stored
//
// Each level has a hash for each block of the one below it, down to the data. How many blocks that
// makes follows from the size of the file alone, and with it where each hash lies: nothing in the tree
// points anywhere.
#include "core/verity/verity_descriptor.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/base/assert.h"
#include "core/base/le.h"

namespace butterfuse {
namespace {

// All of it is the format of fs-verity, as kernels read it.
constexpr uint8_t kVersion = 1;
constexpr uint8_t kSaltMax = 32;
constexpr unsigned kLeastBlockBits = 10, kMostBlockBits = 16;

struct [[gnu::packed]] DiskDescriptor {
  uint8_t version, hash_algorithm, log_block_size, salt_size;
  le32 signature_size;
  le64 data_size;
  std::byte root_hash[kVerityDigestMax];
  std::byte salt[kSaltMax];
  std::byte reserved[144];
};
static_assert(sizeof(DiskDescriptor) == 256);

const EVP_MD* algorithm_of(VerityHash hash) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  return hash == VerityHash::sha256 ? sha256 : sha512;
}

// What the algorithm takes in at a time.
size_t input_block_bytes(VerityHash hash) { return hash == VerityHash::sha256 ? 64 : 128; }

struct DigestContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

Status check_form(const DiskDescriptor& disk, size_t bytes, uint64_t file_size) {
  if (disk.version != kVersion) return make_error(EIO, "verity descriptor of version {}", disk.version);
  if (disk.hash_algorithm != 1 && disk.hash_algorithm != 2)
    return make_error(EIO, "verity hash algorithm {} is not known", disk.hash_algorithm);
  if (disk.log_block_size < kLeastBlockBits || disk.log_block_size > kMostBlockBits)
    return make_error(EIO, "verity blocks of 2^{} bytes", disk.log_block_size);
  if (disk.salt_size > kSaltMax) return make_error(EIO, "verity salt of {} bytes", disk.salt_size);
  if (std::any_of(std::begin(disk.reserved), std::end(disk.reserved),
                  [](std::byte byte) { return byte != std::byte{}; }))
    return make_error(EIO, "verity descriptor with reserved bytes in use");
  if (disk.signature_size > bytes - sizeof(DiskDescriptor))
    return make_error(EIO, "verity signature of {} bytes in a descriptor of {}",
                      uint32_t{disk.signature_size}, bytes);
  if (disk.data_size != file_size)
    return make_error(EIO, "verity descriptor for {} bytes of content; there are {}",
                      uint64_t{disk.data_size}, file_size);
  return {};
}

// Sizes level by level, then their places from the root block on.
Status lay_out_levels(VerityDescriptor& descriptor) {
  std::vector<uint64_t> blocks_of_level;
  uint64_t blocks =
      descriptor.data_size / descriptor.block_size + (descriptor.data_size % descriptor.block_size != 0);
  while (blocks > 1) {
    const uint64_t per_block = descriptor.hashes_per_block();
    blocks = blocks / per_block + (blocks % per_block != 0);
    blocks_of_level.push_back(blocks);
  }
  if (blocks_of_level.size() > static_cast<size_t>(kVerityLevelsMax))
    return make_error(EIO, "verity tree of {} levels", blocks_of_level.size());
  descriptor.level_start.resize(blocks_of_level.size());
  for (size_t level = blocks_of_level.size(); level-- > 0;) {
    descriptor.level_start[level] = descriptor.tree_blocks;
    descriptor.tree_blocks += blocks_of_level[level];
  }
  return {};
}

}  // namespace

size_t digest_size(VerityHash hash) { return hash == VerityHash::sha256 ? 32 : 64; }

VerityDigest digest_of(VerityHash hash, std::initializer_list<ByteSpan> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, DigestContextDeleter> context(EVP_MD_CTX_new());
  VerityDigest digest{};
  bool done = context && EVP_DigestInit_ex2(context.get(), algorithm_of(hash), nullptr) == 1;
  for (const ByteSpan part : parts)
    done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  done = done &&
         EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1;
  BF_ASSERT(done, "verity digest {} failed", static_cast<int>(hash));
  return digest;
}

Result<VerityDescriptor> VerityDescriptor::parse(ByteSpan bytes, uint64_t file_size) {
  if (bytes.size() < sizeof(DiskDescriptor))
    return make_error(EIO, "verity descriptor of {} bytes", bytes.size());
  auto disk = load<DiskDescriptor>(bytes);
  BF_TRY(check_form(disk, bytes.size(), file_size));
  VerityDescriptor descriptor;
  descriptor.hash = static_cast<VerityHash>(disk.hash_algorithm);
  descriptor.block_size = 1u << disk.log_block_size;
  descriptor.data_size = disk.data_size;
  std::memcpy(descriptor.root_hash.data(), disk.root_hash, digest_size(descriptor.hash));
  if (disk.salt_size != 0) {
    descriptor.padded_salt.resize(input_block_bytes(descriptor.hash));
    std::memcpy(descriptor.padded_salt.data(), disk.salt, disk.salt_size);
  }
  BF_TRY(lay_out_levels(descriptor));
  disk.signature_size = 0;  // the digest is of the descriptor without its signature
  descriptor.file_digest = digest_of(descriptor.hash, {object_bytes(disk)});
  return descriptor;
}

}  // namespace butterfuse
