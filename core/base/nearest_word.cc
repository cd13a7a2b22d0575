// SPDX-License-Identifier: GPL-2.0-or-later
// NearestWord: counts changes between two words, row by row.
#include "core/base/nearest_word.h"

#include <algorithm>
#include <vector>

namespace butterfuse {
namespace {

constexpr size_t kWordMax = 64;  // nobody types longer ones by hand

// Row i holds, for each prefix of b, how many changes make it of the first i letters of a.
size_t changes_between(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> words) {
  if (typed.size() > kWordMax) return {};
  std::string_view nearest;
  // One in three, at least one; of several equally near the first.
  size_t fewest = std::max<size_t>(typed.size() / 3, 1) + 1;
  for (const std::string_view word : words) {
    const size_t changes = changes_between(typed, word);
    if (changes >= fewest) continue;
    nearest = word;
    fewest = changes;
  }
  return nearest;
}

std::string did_you_mean(std::string_view typed, std::span<const std::string_view> words) {
  const std::string_view nearest = nearest_word(typed, words);
  return nearest.empty() ? std::string() : "; did you mean '" + std::string(nearest) + "'?";
}

}  // namespace butterfuse
