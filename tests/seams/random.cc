// SPDX-License-Identifier: GPL-2.0-or-later
// Random: bytes, lengths and offsets as a file system finds them awkward.
#include "tests/seams/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace butterfuse::seams {
namespace {

constexpr uint64_t kBlock = 4096;

}  // namespace

size_t Random::pick_weighted(const std::vector<unsigned>& weights) {
  uint64_t sum = 0;
  for (const unsigned weight : weights) sum += weight;
  uint64_t at = below(sum);
  for (size_t i = 0; i < weights.size(); ++i) {
    if (at < weights[i]) return i;
    at -= weights[i];
  }
  return weights.size() - 1;
}

std::string Random::bytes(size_t length, uint64_t stamp) {
  std::string result(length, '\0');
  const uint64_t kind = below(12);
  if (kind == 0) return result;
  if (kind < 7) {
    const std::string pattern = fmt::format("{:06x}.", stamp & 0xffffff);
    for (size_t at = 0; at < length; at += pattern.size())
      std::memcpy(result.data() + at, pattern.data(), std::min(pattern.size(), length - at));
    return result;
  }
  for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
    const uint64_t noise = engine_();
    std::memcpy(result.data() + at, &noise, std::min(sizeof noise, length - at));
  }
  return result;
}

uint64_t Random::length(uint64_t max) {
  uint64_t length = 0;
  switch (below(8)) {
    case 0:
      length = between(1, 16);
      break;
    case 1:
      length = between(17, 3000);  // small enough to be stored inline
      break;
    case 2:
    case 3:
      length = kBlock * between(1, 4);
      break;
    case 4:
      length = kBlock * between(1, 40) + pick<uint64_t>({0, 1, kBlock - 1});
      break;
    case 5:
      length = (uint64_t{128} << 10) + pick<uint64_t>({0, 1, kBlock, kBlock - 1});
      break;
    default:
      length = between(1, std::min<uint64_t>(max, 20'000));
      break;
  }
  return std::clamp<uint64_t>(length, 1, std::max<uint64_t>(max, 1));
}

uint64_t Random::offset(uint64_t start, uint64_t end) {
  if (end <= start + 1) return start;
  if (chance(15)) return start;
  uint64_t offset = between(start, end - 1);
  if (chance(70)) offset = offset / kBlock * kBlock;
  if (chance(25)) offset += pick<uint64_t>({1, 7, kBlock - 1, kBlock / 2});
  return std::clamp(offset, start, end - 1);
}

}  // namespace butterfuse::seams
