// SPDX-License-Identifier: GPL-2.0-or-later
// NameChanges: which names came and went in the running transaction, for what a log of it may say.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fs/inode/subvolume.h"

namespace butterfuse {

// A name that the last commit has and the running transaction took away.
struct RemovedName {
  uint64_t ino = 0;  // its inode
  bool is_dir = false;
};

// A name in a directory of the same subvolume.
struct NameIn {
  uint64_t dir_ino = 0;
  std::string name;
  friend auto operator<=>(const NameIn&, const NameIn&) = default;
};

// Directory indexes with changes that its log does not have yet.
struct IndexChanges {
  std::set<uint64_t> added;
  std::set<uint64_t> removed;  // of names that the last commit has
};

// Not thread-safe. Bounded: after too many changes it forgets them and is `overflown` until cleared.
class NameChanges {
 public:
  // A name came, at this index of its directory; a name went. In the order in which it happened.
  void add(const InodeKey& dir, uint64_t index, const InodeKey& child);
  void remove(const InodeKey& dir, uint64_t index, const std::string& name, const InodeKey& child,
              bool is_dir);
  void overflow();
  bool overflown() const { return overflown_; }
  void clear();

  // Who had this name in the last commit, if it was taken away since.
  std::optional<RemovedName> removed(const InodeKey& dir, const std::string& name) const;
  // All such names of a directory.
  std::vector<RemovedName> removed_from(const InodeKey& dir) const;
  // Names that the inode has in the last commit and lost since.
  std::set<NameIn> lost_by(const InodeKey& child) const;

  // What the log of the directory lacks; from now on it has it.
  IndexChanges take_unlogged(const InodeKey& dir);
  // Inodes whose names changed since the last call.
  std::set<InodeKey> take_touched() { return std::exchange(touched_, {}); }
  // Directories whose entries changed since the last call.
  std::set<InodeKey> take_changed_dirs() { return std::exchange(changed_dirs_, {}); }
  // Entries that came and went within the transaction, since the last call.
  std::vector<std::pair<InodeKey, uint64_t>> take_short_lived() { return std::exchange(short_lived_, {}); }

 private:
  struct Directory {
    std::set<uint64_t> added;  // all of the transaction
    std::map<std::string, RemovedName> removed;
    IndexChanges unlogged;
  };
  bool count();

  // Some tens of megabytes. Behind that many changes an fsync costs a commit, which they would
  // need soon anyway.
  static constexpr size_t kChangesMax = 200'000;
  std::map<InodeKey, Directory> directories_;
  std::map<InodeKey, std::set<NameIn>> lost_;
  std::set<InodeKey> touched_;
  std::set<InodeKey> changed_dirs_;
  std::vector<std::pair<InodeKey, uint64_t>> short_lived_;
  size_t changes_ = 0;
  bool overflown_ = false;
};

}  // namespace butterfuse
