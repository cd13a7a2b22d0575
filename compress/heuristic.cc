// SPDX-License-Identifier: GPL-2.0-or-later
// Judges by a sample of the bytes: repeats, how many symbols, how uneven, and at last their entropy.
//
//     two equal halves ─> likely       a pattern that repeats
//     few symbols ─> likely            text, tables, sparse data
//     nine tenths in few ─> likely     mostly text
//     nine tenths need most ─> unlikely
//     entropy below 6.4 bits ─> likely, else unlikely
//
// The cheapest look comes first, and each ends it where it is sure. A wrong "likely" costs the time of one
// attempt, a wrong "unlikely" the space that was to be saved: neither harms the data.
#include "compress/heuristic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numeric>

namespace butterfuse {
namespace {

// 16 bytes of every 256: 8 KiB of the 128 KiB that are judged at most. The numbers here are the kernel's, as
// far as its method is the same.
constexpr size_t kSampleBytes = 16, kSampleInterval = 256, kMaxSampled = 8192;
constexpr size_t kFewSymbols = 64;  // text and tables: any codec gains
constexpr size_t kWideCore = 200;   // nine tenths of the bytes need this many symbols: noise
constexpr double kCoreShare = 0.9;
constexpr double kHighEntropyBits = 0.8 * 8;  // per byte

class Sample {
 public:
  explicit Sample(ByteSpan data) {
    if (data.size() <= kMaxSampled) {
      take(data);
      return;
    }
    const size_t interval = std::max(kSampleInterval, data.size() / (kMaxSampled / kSampleBytes));
    for (size_t at = 0; at + kSampleBytes <= data.size() && size_ + kSampleBytes <= kMaxSampled;
         at += interval)
      take(data.subspan(at, kSampleBytes));
  }
  ByteSpan bytes() const { return ByteSpan(bytes_).first(size_); }

 private:
  void take(ByteSpan piece) {
    std::ranges::copy(piece, bytes_.begin() + static_cast<ptrdiff_t>(size_));
    size_ += piece.size();
  }
  std::array<std::byte, kMaxSampled> bytes_;
  size_t size_ = 0;
};

using Counts = std::array<uint32_t, 256>;

Counts count_symbols(ByteSpan bytes) {
  Counts counts{};
  for (std::byte symbol : bytes) ++counts[static_cast<uint8_t>(symbol)];
  return counts;
}

bool halves_are_equal(ByteSpan bytes) {
  const size_t half = bytes.size() / 2;
  return std::ranges::equal(bytes.first(half), bytes.subspan(half, half));
}

// How many of the most frequent symbols make up nine tenths of the sample.
size_t core_set_size(Counts counts, size_t total) {
  std::ranges::sort(counts, std::greater<>());
  const auto wanted = static_cast<uint32_t>(kCoreShare * static_cast<double>(total));
  uint32_t covered = 0;
  size_t symbols = 0;
  while (symbols < counts.size() && covered < wanted) covered += counts[symbols++];
  return symbols;
}

double entropy_bits(const Counts& counts, size_t total) {
  const double size = static_cast<double>(total);
  double bits = 0;
  for (uint32_t count : counts)
    if (count != 0) bits -= count / size * std::log2(count / size);
  return bits;
}

}  // namespace

Compressibility judge_compressibility(ByteSpan data) {
  const Sample sample(data);
  const ByteSpan bytes = sample.bytes();
  if (bytes.size() < 2 * kSampleBytes || halves_are_equal(bytes)) return Compressibility::likely;
  const Counts counts = count_symbols(bytes);
  const size_t symbols =
      static_cast<size_t>(std::ranges::count_if(counts, [](uint32_t count) { return count != 0; }));
  if (symbols < kFewSymbols) return Compressibility::likely;
  const size_t core = core_set_size(counts, bytes.size());
  if (core <= kFewSymbols) return Compressibility::likely;
  if (core >= kWideCore) return Compressibility::unlikely;
  return entropy_bits(counts, bytes.size()) < kHighEntropyBits ? Compressibility::likely
                                                               : Compressibility::unlikely;
}

}  // namespace butterfuse
