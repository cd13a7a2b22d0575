// SPDX-License-Identifier: GPL-2.0-or-later
// The heuristic: data that compresses is tried, noise is not.
#include "compress/heuristic.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

namespace butterfuse::heuristic_test {
namespace {

std::vector<std::byte> noise(size_t size, unsigned symbols) {
  std::mt19937 random(1);
  std::vector<std::byte> bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % symbols);
  return bytes;
}

}  // namespace

TEST_CASE("noise of all 256 symbols is not worth a try") {
  for (size_t size : {4096, 8192, 8193, 65536, 131072})
    CHECK(judge_compressibility(noise(size, 256)) == Compressibility::unlikely);
}

TEST_CASE("few symbols, zeros and repeated noise are worth a try") {
  CHECK(judge_compressibility(noise(131072, 60)) == Compressibility::likely);
  CHECK(judge_compressibility(std::vector<std::byte>(131072)) == Compressibility::likely);
  auto repeated = noise(65536, 256);
  repeated.insert(repeated.end(), repeated.begin(), repeated.begin() + 65536);
  CHECK(judge_compressibility(repeated) == Compressibility::likely);
}

TEST_CASE("machine-code-like data with an uneven spread of symbols is worth a try") {
  std::mt19937 random(2);
  std::geometric_distribution<int> uneven(0.04);
  std::vector<std::byte> bytes(131072);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(uneven(random));
  CHECK(judge_compressibility(bytes) == Compressibility::likely);
}

TEST_CASE("tiny and empty ranges are worth a try") {
  CHECK(judge_compressibility({}) == Compressibility::likely);
  CHECK(judge_compressibility(noise(20, 256)) == Compressibility::likely);
}

}  // namespace butterfuse::heuristic_test
