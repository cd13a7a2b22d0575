// SPDX-License-Identifier: GPL-2.0-or-later
// Known answers of the checksums.
#include "core/base/checksum.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

namespace butterfuse::checksum_test {
namespace {
std::string hex(const CsumValue& value) {
  std::string text;
  for (std::byte byte : value) text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}
const std::string kTail(64, '0');
}  // namespace

TEST_CASE("crc32c gives the check value of the CRC catalogue") {
  CHECK(crc32c(as_bytes("123456789")) == 0xE3069283u);
  CHECK(crc32c({}) == 0);
}

TEST_CASE("crc32c_raw continues from the seed it is given") {
  uint32_t whole = crc32c_raw(7, as_bytes("hello world"));
  CHECK(crc32c_raw(crc32c_raw(7, as_bytes("hello ")), as_bytes("world")) == whole);
}

TEST_CASE("name_hash gives the offsets that stand in the DIR_ITEM keys of images") {
  CHECK(name_hash("default") == 2378154706u);
  CHECK(name_hash("security.selinux") == 3817753667u);
}

TEST_CASE("extref_hash starts from the parent's inode number") {
  CHECK(extref_hash(256, "a") == crc32c_raw(256, as_bytes("a")));
  CHECK(extref_hash((uint64_t{1} << 32) + 256, "a") == extref_hash(256, "a"));
}

TEST_CASE("every checksum has its known answer and zero bytes behind it") {
  CHECK(hex(checksum(CsumType::crc32c, as_bytes("123456789"))) == "839206e3" + kTail.substr(8));
  CHECK(hex(checksum(CsumType::xxhash, {})) == "99e9d85137db46ef" + kTail.substr(16));
  CHECK(hex(checksum(CsumType::sha256, as_bytes("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(checksum(CsumType::blake2, as_bytes("abc"))) ==
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST_CASE("names and sizes of checksums agree with mkfs") {
  for (uint16_t type = 0; type < 4; ++type) {
    auto csum = static_cast<CsumType>(type);
    CHECK(csum_from_name(csum_name(csum)) == csum);
  }
  CHECK(csum_from_name("xxhash") == CsumType::xxhash);
  CHECK_FALSE(csum_from_name("md5"));
  CHECK(csum_size(CsumType::crc32c) == 4);
  CHECK(csum_size(CsumType::xxhash) == 8);
  CHECK(csum_size(CsumType::blake2) == 32);
}

TEST_CASE("checksums are the same when many threads compute them at once") {
  const std::string text(4096, 'x');
  for (auto type : {CsumType::crc32c, CsumType::xxhash, CsumType::sha256, CsumType::blake2}) {
    const CsumValue want = checksum(type, as_bytes(text));
    std::vector<int> wrong(4, 0);
    std::vector<std::thread> threads;
    for (int& count : wrong)
      threads.emplace_back([&, type] {
        for (int i = 0; i < 500; ++i) count += checksum(type, as_bytes(text)) != want;
      });
    for (std::thread& thread : threads) thread.join();
    for (int count : wrong) CHECK(count == 0);
  }
}

}  // namespace butterfuse::checksum_test
