// SPDX-License-Identifier: GPL-2.0-or-later
// Keeping track of names.
//
// A name of the last commit that goes is noted for good (`removed`, `lost_`): a replay begins with that
// commit, and would bring it back. One that came within the transaction and goes again leaves nothing but its
// index (`short_lived_`), which a log may have by now. Everything "since the last call" is for the log: what
// it was told is not told again.
#include "fs/durability/name_changes.h"

namespace butterfuse {

bool NameChanges::count() {
  if (++changes_ > kChangesMax) overflow();
  return !overflown_;
}

void NameChanges::overflow() {
  clear();
  overflown_ = true;
}

void NameChanges::clear() { *this = NameChanges(); }

void NameChanges::add(const InodeKey& dir, uint64_t index, const InodeKey& child) {
  if (!count()) return;
  Directory& directory = directories_[dir];
  directory.added.insert(index);
  directory.unlogged.added.insert(index);
  changed_dirs_.insert(dir);
  touched_.insert(child);
}

// Indexes are used once in a transaction, so that an added one can't be of a name of the last commit.
void NameChanges::remove(const InodeKey& dir, uint64_t index, const std::string& name, const InodeKey& child,
                         bool is_dir) {
  if (!count()) return;
  Directory& directory = directories_[dir];
  touched_.insert(child);
  changed_dirs_.insert(dir);
  if (directory.added.erase(index) > 0) {
    directory.unlogged.added.erase(index);
    short_lived_.emplace_back(dir, index);
    return;
  }
  directory.unlogged.removed.insert(index);
  directory.removed.emplace(name, RemovedName{child.ino, is_dir});
  lost_[child].insert({dir.ino, name});
}

std::optional<RemovedName> NameChanges::removed(const InodeKey& dir, const std::string& name) const {
  auto directory = directories_.find(dir);
  if (directory == directories_.end()) return std::nullopt;
  auto found = directory->second.removed.find(name);
  return found == directory->second.removed.end() ? std::nullopt : std::optional(found->second);
}

std::vector<RemovedName> NameChanges::removed_from(const InodeKey& dir) const {
  std::vector<RemovedName> names;
  auto directory = directories_.find(dir);
  if (directory == directories_.end()) return names;
  for (const auto& [name, removed] : directory->second.removed) names.push_back(removed);
  return names;
}

std::set<NameIn> NameChanges::lost_by(const InodeKey& child) const {
  auto found = lost_.find(child);
  return found == lost_.end() ? std::set<NameIn>() : found->second;
}

IndexChanges NameChanges::take_unlogged(const InodeKey& dir) {
  auto directory = directories_.find(dir);
  if (directory == directories_.end()) return {};
  return std::exchange(directory->second.unlogged, {});
}

}  // namespace butterfuse
