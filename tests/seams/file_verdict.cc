// SPDX-License-Identifier: GPL-2.0-or-later
// FileModel::problem: the content that a crash left against what was promised.
#include <fmt/format.h>

#include <algorithm>

#include "tests/seams/file_model.h"

namespace butterfuse::seams {
namespace {

constexpr uint64_t kBlock = 4096;

std::string_view bytes_of(const Atom::Version& version, const std::string& zeros) {
  return version.bytes.empty() ? std::string_view(zeros) : std::string_view(version.bytes);
}

// Whether `found`, which ends where the file ends, is one of these.
bool is_known(const std::vector<Atom::Version>& versions, uint32_t atom_length, std::string_view found) {
  const std::string zeros(atom_length, '\0');
  bool loose = false;
  for (size_t i = 0; i < versions.size(); ++i) {
    if (bytes_of(versions[i], zeros).substr(0, found.size()) == found) return true;
    loose |= i > 0 && versions[i].loose;
  }
  if (!loose) return false;
  for (size_t at = 0; at < found.size(); ++at) {
    const bool known = std::any_of(versions.begin(), versions.end(), [&](const auto& version) {
      return bytes_of(version, zeros)[at] == found[at];
    });
    if (!known) return false;
  }
  return true;
}

std::string sample(std::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < std::min<size_t>(bytes.size(), 12); ++at)
    text += fmt::format("{:02x}", static_cast<unsigned char>(bytes[at]));
  return text;
}

// Where `found` leaves the newest version, for whoever reads the report.
std::string difference(const Atom& atom, std::string_view found) {
  const std::string zeros(atom.length, '\0');
  const std::string_view newest = bytes_of(atom.versions.back(), zeros).substr(0, found.size());
  const size_t at =
      static_cast<size_t>(std::mismatch(found.begin(), found.end(), newest.begin()).first - found.begin());
  return fmt::format("first different from the newest at {}: found {}, newest {}", atom.start + at,
                     sample(found.substr(at)), sample(newest.substr(at)));
}

// What is left when the bytes that the file grew by are there: below them what was stored where the daemon
// does not see it may be missing, and nothing else.
std::vector<Atom::Version> grown_over(const Atom& atom, const std::vector<Atom::Version>& older,
                                      const Atom::Version& growth) {
  const uint64_t kept = growth.grown_from > atom.start ? growth.grown_from - atom.start : 0;
  std::vector<Atom::Version> result;
  for (auto version = older.rbegin(); kept > 0 && version != older.rend(); ++version) {
    Atom::Version grown = growth;
    grown.bytes.resize(atom.length);
    std::string below = version->bytes;
    below.resize(atom.length);
    grown.bytes.replace(0, kept, below, 0, kept);
    result.push_back(std::move(grown));
    if (!version->loose) break;
  }
  std::reverse(result.begin(), result.end());
  return result;
}

}  // namespace

// A size on disk says that what cut the file before it has happened, to what was there then and before; and,
// where the file grew by writing since, that the bytes it grew by are there.
std::vector<Atom::Version> FileModel::allowed(const Atom& atom, size_t size_step, bool exact, bool ordered,
                                              uint64_t found_size) const {
  const auto& sizes = size_.steps();
  size_t grown_from = size_step;  // behind that and up to size_step the file only grew by writing
  while (grown_from > 0 && sizes[grown_from].value.by_writing) --grown_from;
  std::vector<Atom::Version> result;
  for (const Atom::Version& version : atom.versions) {
    const bool is_past = version.size_step < size_.number_of(size_step);
    const bool is_this = version.size_step == size_.number_of(size_step);
    if (version.bond == Atom::Bond::cut && (is_past || (is_this && exact))) {
      const uint64_t kept = version.cut_at > atom.start ? version.cut_at - atom.start : 0;
      for (Atom::Version& older : result)
        if (older.bytes.size() > kept)
          std::fill(older.bytes.begin() + static_cast<std::ptrdiff_t>(kept), older.bytes.end(), '\0');
    }
    const bool must_be_there = version.bond == Atom::Bond::growth && ordered && !version.loose &&
                               version.size_step > size_.number_of(grown_from) &&
                               (is_past || (is_this && (exact || atom.start + atom.length <= found_size)));
    if (must_be_there) result = grown_over(atom, result, version);
    result.push_back(version);
  }
  return result;
}

std::string FileModel::problem_with_size(const std::string& found, size_t size_step, bool exact,
                                         bool ordered) const {
  for (const Atom& atom : atoms_) {
    if (atom.start >= found.size()) break;
    const std::string_view bytes = std::string_view(found).substr(atom.start, atom.length);
    const auto versions = allowed(atom, size_step, exact, ordered, found.size());
    if (is_known(versions, atom.length, bytes)) continue;
    const bool was = is_known(atom.versions, atom.length, bytes);
    return fmt::format("the {} bytes at {} of {} are none of {} versions{}; {}; {}", bytes.size(), atom.start,
                       found.size(), versions.size(),
                       was ? fmt::format(", but one that the size {} rules out", found.size()) : "",
                       difference(atom, bytes), describe_locked(atom.start));
  }
  return {};
}

std::string FileModel::problem(const std::string& found, bool ordered) const {
  std::lock_guard lock(mutex_);
  std::string first_problem;
  const auto& sizes = size_.steps();
  bool size_known = false;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const uint64_t size = sizes[i].value.bytes, before = i > 0 ? sizes[i - 1].value.bytes : size;
    const bool exact = size == found.size();
    const bool between = found.size() % kBlock == 0 && std::min(size, before) < found.size() &&
                         found.size() < std::max(size, before);
    if (!exact && !between) continue;
    size_known = true;
    std::string text = problem_with_size(found, i, exact, ordered);
    if (text.empty()) return {};
    if (first_problem.empty()) first_problem = std::move(text);
  }
  if (size_known) return first_problem;
  std::string list;
  for (const auto& step : sizes) list += fmt::format(" {}", step.value.bytes);
  return fmt::format("it has {} bytes; its sizes from the durable one on:{}", found.size(), list);
}

std::string FileModel::describe(uint64_t offset) const {
  std::lock_guard lock(mutex_);
  return describe_locked(offset);
}

std::string FileModel::describe_locked(uint64_t offset) const {
  std::string text = "sizes:";
  for (const auto& step : size_.steps())
    text +=
        fmt::format(" {}@{}", step.value.bytes, step.ended == kUnended ? "?" : std::to_string(step.ended));
  for (const Atom& atom : atoms_) {
    if (offset < atom.start || atom.start + atom.length <= offset) continue;
    const std::string zeros(atom.length, '\0');
    for (const Atom::Version& version : atom.versions) {
      const std::string_view bytes = bytes_of(version, zeros);
      text += fmt::format(
          "\n    [{}, {}) ended @{}{}{}{} begins {}, at {}: {}", atom.start, atom.start + atom.length,
          version.ended == kUnended ? "?" : std::to_string(version.ended), version.loose ? " loose" : "",
          version.bond == Atom::Bond::cut ? " cut" : "", version.bond == Atom::Bond::growth ? " growth" : "",
          sample(bytes), offset, sample(bytes.substr(offset - atom.start)));
    }
  }
  return text;
}

}  // namespace butterfuse::seams
