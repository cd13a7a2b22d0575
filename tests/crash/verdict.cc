// SPDX-License-Identifier: GPL-2.0-or-later
// Model::problems: a tree after a crash against what was promised.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/crash/model.h"

namespace butterfuse::crash {
namespace {

constexpr size_t kBlock = 4096, kDeviceSector = 512;

using Names = std::set<std::pair<uint64_t, std::string>>;

std::string to_text(const Names& names) {
  std::string text;
  for (const auto& [dir, name] : names) text += fmt::format("{}{}:{}", text.empty() ? "" : ", ", dir, name);
  return text.empty() ? "no name" : text;
}

// Bytes [at, at + length) of a version that may be shorter: it reads as zeros behind its end.
bool same_piece(std::string_view found, std::string_view version, size_t at, size_t length) {
  const std::string_view here = found.substr(at, length);
  const std::string_view there = at < version.size() ? version.substr(at, length) : std::string_view();
  return here.substr(0, there.size()) == there.substr(0, here.size()) &&
         std::all_of(here.begin() + static_cast<std::ptrdiff_t>(std::min(there.size(), here.size())),
                     here.end(), [](char c) { return c == 0; });
}

class Judge {
 public:
  Judge(const Model& model, const FoundTree& found, size_t atom)
      : model_(model), found_(found), atom_(atom) {}

  std::vector<std::string> run() {
    for (const auto& [ino, inode] : model_.inodes()) {
      const auto here = found_.inodes.find(ino);
      if (here == found_.inodes.end())
        check_absent(inode);
      else
        check_present(inode, here->second);
    }
    for (const auto& [ino, inode] : found_.inodes)
      if (!model_.inodes().contains(ino)) problems_.push_back(fmt::format("inode {} is unknown", ino));
    return std::move(problems_);
  }

 private:
  void complain(const ModelInode& inode, const std::string& text) {
    problems_.push_back(
        fmt::format("inode {} ({:o}; {}): {}", inode.ino, inode.mode, to_text(inode.past_names), text));
  }

  void check_absent(const ModelInode& inode) {
    if (inode.durable && !inode.names.empty()) complain(inode, "is lost");
  }

  void check_present(const ModelInode& inode, const FoundInode& found) {
    if ((inode.mode & S_IFMT) != (found.mode & S_IFMT))
      return complain(inode, fmt::format("has mode {:o}", found.mode));
    for (const auto& name : found.names)
      if (!inode.past_names.contains(name)) complain(inode, "is at " + to_text(found.names));
    if (inode.is_dir() && found.names.size() > 1) complain(inode, "is at " + to_text(found.names));
    if (inode.is_file()) check_content(inode, found.content);
    if (S_ISLNK(inode.mode) && found.content != inode.content) complain(inode, "points to " + found.content);
    if (inode.durable && !S_ISLNK(inode.mode)) {
      if (!inode.modes.contains(found.mode)) complain(inode, fmt::format("has mode {:o}", found.mode));
      if (!inode.flag_states.contains(found.flags))
        complain(inode, fmt::format("has flags {:#x}", found.flags));
      if (std::find(inode.xattr_states.begin(), inode.xattr_states.end(), found.xattrs) ==
          inode.xattr_states.end())
        complain(inode, fmt::format("has {} other xattrs", found.xattrs.size()));
    }
    if (inode.is_dir()) check_entries(inode, found);
  }

  void check_entries(const ModelInode& inode, const FoundInode& found) {
    std::set<std::string> names;
    for (const auto& [name, history] : inode.entry_history) names.insert(name);
    for (const auto& [name, ino] : found.entries) names.insert(name);
    for (const std::string& name : names) {
      const auto entry = found.entries.find(name);
      const uint64_t value = entry == found.entries.end() ? 0 : entry->second;
      const auto history = inode.entry_history.find(name);
      const bool allowed =
          history == inode.entry_history.end() ? value == 0 : history->second.contains(value);
      if (allowed) continue;
      complain(inode, fmt::format("its entry '{}' is {}", name,
                                  value == 0 ? std::string("absent") : fmt::format("inode {}", value)));
    }
  }

  // Of what was written behind the end and not synced, whole blocks may be missing.
  // Each block is that of one version.
  void check_content(const ModelInode& inode, const std::string& found) {
    std::vector<std::string> versions = inode.contents;
    if (!inode.data_synced) versions.emplace_back();
    size_t smallest = SIZE_MAX, biggest = 0;
    bool exact = false;
    for (const std::string& version : versions) {
      smallest = std::min(smallest, version.size()), biggest = std::max(biggest, version.size());
      exact |= version.size() == found.size();
    }
    const bool between = found.size() % kBlock == 0 && smallest < found.size() && found.size() < biggest;
    if (!exact && !between) return complain(inode, fmt::format("has {} bytes", found.size()));
    const size_t atom = inode.in_place() ? std::min(atom_, kDeviceSector) : atom_;
    for (size_t at = 0; at < found.size(); at += atom) {
      const size_t length = std::min(atom, found.size() - at);
      const bool known = std::any_of(versions.begin(), versions.end(), [&](const std::string& version) {
        return same_piece(found, version, at, length);
      });
      if (!known)
        return complain(
            inode, fmt::format("its {} bytes at {} are of none of {} versions", length, at, versions.size()));
    }
  }

  const Model& model_;
  const FoundTree& found_;
  const size_t atom_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> Model::problems(const FoundTree& found, size_t atom) const {
  return Judge(*this, found, atom).run();
}

}  // namespace butterfuse::crash
