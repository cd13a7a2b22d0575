// SPDX-License-Identifier: GPL-2.0-or-later
// ExpectedFile: each byte is that of one version, and none older than what was promised.
#include "tests/simkernel/expected_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace butterfuse::simkernel {
namespace {

constexpr size_t kBlock = 4096;

// Behind its end a version reads as zeros.
char byte_of(const std::string& content, size_t at) { return at < content.size() ? content[at] : '\0'; }

}  // namespace

ExpectedFile::ExpectedFile(uint64_t ino, std::string content) : ino_(ino) {
  versions_.push_back({0, 0, std::move(content)});
}

size_t ExpectedFile::begin(uint64_t time, std::string content) {
  versions_.push_back({.begun = time, .content = std::move(content)});
  return versions_.size() - 1;
}

void ExpectedFile::promise(uint64_t begun, uint64_t ended, uint64_t first, uint64_t last, bool with_size) {
  promises_.push_back({ended, first, last, ended_before(begun), with_size});
}

size_t ExpectedFile::ended_before(uint64_t time) const {
  size_t version = 0;
  while (version + 1 < versions_.size() && versions_[version + 1].ended < time) ++version;
  return version;
}

size_t ExpectedFile::begun_before(uint64_t time) const {
  size_t version = versions_.size() - 1;
  while (version > 0 && versions_[version].begun >= time) --version;
  return version;
}

std::string ExpectedFile::describe(uint64_t offset, char found, size_t from, size_t to) const {
  std::string text = fmt::format("byte {} is {:#04x}, expected:", offset, static_cast<uint8_t>(found));
  for (size_t i = from; i <= to; ++i) {
    const std::string& content = versions_[i].content;
    text += offset < content.size() ? fmt::format(" {:#04x}", static_cast<uint8_t>(content[offset])) : " -";
  }
  return text + fmt::format(" (versions {} to {})", from, to);
}

std::string ExpectedFile::problem_after_crash(const std::string& found, uint64_t time) const {
  const size_t newest = begun_before(time);
  // Where several promises hold the latest counts.
  std::vector<Promise> held;
  size_t whole = 0;
  uint64_t size_least = 0;
  for (const Promise& promise : promises_) {
    if (promise.ended >= time) continue;
    if (promise.first == 0 && promise.last == UINT64_MAX) whole = std::max(whole, promise.version);
    uint64_t least = UINT64_MAX;
    for (size_t i = promise.version; i <= newest; ++i)
      least = std::min<uint64_t>(least, versions_[i].content.size());
    if (promise.with_size) size_least = std::max(size_least, std::min(least, promise.last));
    held.push_back(promise);
  }
  bool exact = false;
  uint64_t smallest = UINT64_MAX, biggest = 0;
  for (size_t i = whole; i <= newest; ++i) {
    const uint64_t size = versions_[i].content.size();
    exact |= size == found.size();
    smallest = std::min(smallest, size), biggest = std::max(biggest, size);
  }
  const bool between = found.size() % kBlock == 0 && smallest < found.size() && found.size() < biggest;
  if ((!exact && !between) || found.size() < size_least) {
    std::string text =
        fmt::format("has {} bytes, at least {} were promised, versions have", found.size(), size_least);
    for (size_t i = whole; i <= newest; ++i) text += fmt::format(" {}", versions_[i].content.size());
    return text;
  }
  const std::string& now = versions_[newest].content;
  for (size_t at = 0; at < found.size(); ++at) {
    if (found[at] == byte_of(now, at)) continue;
    size_t oldest = 0;
    for (const Promise& promise : held)
      if (promise.first <= at && at < promise.last) oldest = std::max(oldest, promise.version);
    bool known = false;
    for (size_t i = oldest; i <= newest && !known; ++i)
      known = byte_of(versions_[i].content, at) == found[at];
    if (!known) return describe(at, found[at], oldest, newest);
  }
  return {};
}

std::string ExpectedFile::problem_of_read(const std::string& found, uint64_t offset, uint64_t wanted,
                                          uint64_t begun, uint64_t ended) const {
  const size_t oldest = ended_before(begun), newest = begun_before(ended);
  for (size_t at = 0; at < found.size(); ++at) {
    bool known = false;
    for (size_t i = oldest; i <= newest && !known; ++i)
      known = byte_of(versions_[i].content, offset + at) == found[at];
    if (!known) return "read: " + describe(offset + at, found[at], oldest, newest);
  }
  if (found.size() == wanted) return {};
  return problem_of_size(offset + found.size(), begun, ended).empty() || found.empty()
             ? std::string()
             : fmt::format("read {} of {} bytes at {}, though the size is {}", found.size(), wanted, offset,
                           versions_[newest].content.size());
}

std::string ExpectedFile::problem_of_size(uint64_t size, uint64_t begun, uint64_t ended) const {
  const size_t oldest = ended_before(begun), newest = begun_before(ended);
  std::string text = fmt::format("size {} is none of", size);
  uint64_t smallest = UINT64_MAX, biggest = 0;
  for (size_t i = oldest; i <= newest; ++i) {
    const uint64_t one = versions_[i].content.size();
    if (one == size) return {};
    smallest = std::min(smallest, one), biggest = std::max(biggest, one);
    text += fmt::format(" {}", one);
  }
  // Of a long write several requests are sent, whole pages each.
  const bool between = size % kBlock == 0 && smallest < size && size < biggest;
  return between ? std::string() : text;
}

}  // namespace butterfuse::simkernel
