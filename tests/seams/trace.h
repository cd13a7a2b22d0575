// SPDX-License-Identifier: GPL-2.0-or-later
// Trace: what the threads did, and when, for whoever has to understand a violation.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace butterfuse::seams {

class Trace {
 public:
  // A call begins; the number it gets is for end().
  size_t begin(uint64_t time, int thread, std::string text);
  void end(size_t entry, uint64_t time, std::string result);
  // An event of its own.
  void note(uint64_t time, std::string text);
  // The last lines, those that have `word` in them (empty: all).
  std::string last(size_t lines, const std::string& word) const;
  std::string all() const { return last(SIZE_MAX, {}); }
  void clear();

 private:
  struct Entry {
    uint64_t begun, ended;
    int thread;
    std::string text, result;
  };
  static std::string to_text(const Entry& entry);

  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace butterfuse::seams
