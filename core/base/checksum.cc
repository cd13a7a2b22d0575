// SPDX-License-Identifier: GPL-2.0-or-later
// The four checksums of btrfs and the crc32c hashes of names, over the libraries that do them fastest.
#include "core/base/checksum.h"

#include <blake2.h>
#include <isa-l/crc.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/base/assert.h"

namespace butterfuse {

namespace {

constexpr std::array<std::string_view, 4> kNames{"crc32c", "xxhash64", "sha256", "blake2"};

// Looked up once: a fetch inside every digest call costs more than hashing a sector.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  BF_ASSERT(algorithm != nullptr, "the crypto library has no SHA256");
  return algorithm;
}

struct DigestContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

void sha256(ByteSpan data, std::byte* out) {
  thread_local const std::unique_ptr<EVP_MD_CTX, DigestContextDeleter> context(EVP_MD_CTX_new());
  auto* bytes = reinterpret_cast<unsigned char*>(out);
  bool done = context && EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) == 1 &&
              EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1 &&
              EVP_DigestFinal_ex(context.get(), bytes, nullptr) == 1;
  BF_ASSERT(done, "sha256 of {} bytes failed", data.size());
}

void blake2b_256(ByteSpan data, std::byte* out) {
  auto hash = [](ByteSpan in, std::byte* to) {
    return blake2b(reinterpret_cast<uint8_t*>(to), in.data(), nullptr, 32, in.size(), 0) == 0;
  };
  // libb2 chooses the routine for this CPU in its first call by storing a plain pointer:
  // one thread must do that first.
  static const bool chosen = [&] {
    std::array<std::byte, 32> unused{};
    return hash(object_bytes(unused), unused.data());
  }();
  BF_ASSERT(chosen && hash(data, out), "blake2b of {} bytes failed", data.size());
}

}  // namespace

size_t csum_size(CsumType type) {
  switch (type) {
    case CsumType::crc32c:
      return 4;
    case CsumType::xxhash:
      return 8;
    case CsumType::sha256:
    case CsumType::blake2:
      return 32;
  }
  BF_ASSERT(false, "csum type {}", static_cast<uint16_t>(type));
}

std::string_view csum_name(CsumType type) { return kNames.at(static_cast<size_t>(type)); }

std::optional<CsumType> csum_from_name(std::string_view name) {
  if (name == "xxhash") return CsumType::xxhash;
  if (name == "blake2b") return CsumType::blake2;
  auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<CsumType>(found - kNames.begin());
}

CsumValue checksum(CsumType type, ByteSpan data) {
  CsumValue value{};
  switch (type) {
    case CsumType::crc32c: {
      uint32_t crc = crc32c(data);
      std::memcpy(value.data(), &crc, sizeof crc);
      break;
    }
    case CsumType::xxhash: {
      uint64_t hash = XXH64(data.data(), data.size(), 0);
      std::memcpy(value.data(), &hash, sizeof hash);
      break;
    }
    case CsumType::sha256:
      sha256(data, value.data());
      break;
    case CsumType::blake2:
      blake2b_256(data, value.data());
      break;
  }
  return value;
}

uint32_t crc32c(ByteSpan data) { return ~crc32c_raw(~uint32_t{0}, data); }

uint32_t crc32c_raw(uint32_t seed, ByteSpan data) {
  // The library counts in int and takes a pointer to non-const, but only reads.
  constexpr size_t kPieceMax = size_t{1} << 30;
  auto* bytes = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(data.data()));
  for (size_t done = 0; done < data.size();) {
    size_t piece = std::min(kPieceMax, data.size() - done);
    seed = crc32_iscsi(bytes + done, static_cast<int>(piece), seed);
    done += piece;
  }
  return seed;
}

uint32_t name_hash(std::string_view name) { return crc32c_raw(~uint32_t{1}, as_bytes(name)); }

uint64_t extref_hash(uint64_t parent_ino, std::string_view name) {
  return crc32c_raw(static_cast<uint32_t>(parent_ino), as_bytes(name));
}

Hash128 hash128(ByteSpan data, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(data.data(), data.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace butterfuse
