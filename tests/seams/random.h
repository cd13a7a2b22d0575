// SPDX-License-Identifier: GPL-2.0-or-later
// Random: what a seed chooses, the same every time it is asked in the same order.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

namespace butterfuse::seams {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed * 0x9E3779B97F4A7C15u + 1) {}

  uint64_t number() { return engine_(); }
  uint64_t below(uint64_t end) { return end == 0 ? 0 : engine_() % end; }
  uint64_t between(uint64_t first, uint64_t last) { return first + below(last - first + 1); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }
  template <class T>
  const T& pick(const std::vector<T>& values) {
    return values[below(values.size())];
  }
  // Its place in the list, each as likely as its weight; the sum must not be 0.
  size_t pick_weighted(const std::vector<unsigned>& weights);

  // Bytes to write: zeros, a pattern that compresses, or noise.
  // `stamp` makes them unlike those of other calls.
  std::string bytes(size_t length, uint64_t stamp);
  // A number of bytes, likely to be a block, a few, or one more or less.
  uint64_t length(uint64_t max);
  // An offset in [start, end), likely at or beside the edge of a block.
  uint64_t offset(uint64_t start, uint64_t end);

 private:
  std::mt19937_64 engine_;
};

}  // namespace butterfuse::seams
