// SPDX-License-Identifier: GPL-2.0-or-later
// Trace: kept as text, line by line.
#include "tests/seams/trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace butterfuse::seams {

size_t Trace::begin(uint64_t time, int thread, std::string text) {
  std::lock_guard lock(mutex_);
  entries_.push_back({time, 0, thread, std::move(text), {}});
  return entries_.size() - 1;
}

void Trace::end(size_t entry, uint64_t time, std::string result) {
  std::lock_guard lock(mutex_);
  entries_[entry].ended = time;
  entries_[entry].result = std::move(result);
}

void Trace::note(uint64_t time, std::string text) {
  std::lock_guard lock(mutex_);
  entries_.push_back({time, time, -1, std::move(text), {}});
}

std::string Trace::to_text(const Entry& entry) {
  if (entry.thread < 0) return fmt::format("@{:<12} ---- {}\n", entry.begun, entry.text);
  const std::string ended = entry.ended == 0 ? "never" : std::to_string(entry.ended);
  return fmt::format("@{:<5} {:<6} thread {}: {}{}{}\n", entry.begun, ended, entry.thread, entry.text,
                     entry.result.empty() ? "" : " = ", entry.result);
}

std::string Trace::last(size_t lines, const std::string& word) const {
  std::lock_guard lock(mutex_);
  std::vector<const Entry*> chosen;
  for (auto entry = entries_.rbegin(); entry != entries_.rend() && chosen.size() < lines; ++entry)
    if (entry->thread < 0 || word.empty() || entry->text.find(word) != std::string::npos)
      chosen.push_back(&*entry);
  std::reverse(chosen.begin(), chosen.end());
  std::string text;
  for (const Entry* entry : chosen) text += to_text(*entry);
  return text;
}

void Trace::clear() {
  std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace butterfuse::seams
