// SPDX-License-Identifier: GPL-2.0-or-later
// Old space caches: headers (FREE_SPACE UNTYPED <start of the group>) and the inodes they name.
#include "core/free_space/old_space_caches.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "core/ondisk/format.h"

namespace butterfuse {
namespace {

bool is_header(const Key& key) { return key.objectid == objectid::kFreeSpace && key.type == 0; }

}  // namespace

Result<std::set<uint64_t>> find_old_space_caches(Tree& root_tree) {
  std::set<uint64_t> groups;
  ReadCursor cursor(root_tree);
  BF_TRY(cursor.seek({objectid::kFreeSpace, 0, 0}));
  for (; cursor.valid() && is_header(cursor.key());) {
    if (cursor.data().size() >= sizeof(DiskFreeSpaceHeader) &&
        cursor.as<DiskFreeSpaceHeader>().generation != 0)
      groups.insert(cursor.key().offset);
    BF_TRY(cursor.next());
  }
  return groups;
}

Status give_up_old_space_cache(CowContext& context, Tree& root_tree, uint64_t group_start) {
  WriteCursor cursor(root_tree, context);
  BF_ASSIGN(const bool found, cursor.seek({objectid::kFreeSpace, 0, group_start}));
  if (!found || cursor.data().size() < sizeof(DiskFreeSpaceHeader)) return {};
  auto header = cursor.as<DiskFreeSpaceHeader>();
  header.generation = 0;
  BF_TRY(cursor.replace(header));
  // A damaged header may name anything.
  const Key inode_key = header.location;
  if (inode_key.type != key_type::kInodeItem || inode_key.objectid < objectid::kFirstFree) return {};
  BF_ASSIGN(const bool has_inode, cursor.seek(inode_key));
  if (!has_inode || cursor.data().size() < sizeof(DiskInodeItem)) return {};
  auto inode = cursor.as<DiskInodeItem>();
  if (!S_ISREG(inode.mode)) return {};
  inode.generation = 0;
  return cursor.replace(inode);
}

Status OldSpaceCaches::find_all(Tree& root_tree) {
  BF_ASSIGN(std::set<uint64_t> groups, find_old_space_caches(root_tree));
  MutexLock lock(mutex_);
  groups_ = std::move(groups);
  return {};
}

bool OldSpaceCaches::any() const {
  MutexLock lock(mutex_);
  return !groups_.empty();
}

Result<bool> OldSpaceCaches::give_up(CowContext& context, Tree& root_tree,
                                     const std::vector<uint64_t>& group_starts) {
  std::vector<uint64_t> cached;
  {
    MutexLock lock(mutex_);
    for (const uint64_t start : group_starts)
      if (groups_.contains(start)) cached.push_back(start);
  }
  for (const uint64_t start : cached) {
    BF_TRY(give_up_old_space_cache(context, root_tree, start));
    MutexLock lock(mutex_);
    groups_.erase(start);
  }
  return !cached.empty();
}

Status OldSpaceCaches::give_up_some(CowContext& context, Tree& root_tree, size_t at_most) {
  std::vector<uint64_t> some;
  {
    MutexLock lock(mutex_);
    std::ranges::copy_n(groups_.begin(), static_cast<ptrdiff_t>(std::min(at_most, groups_.size())),
                        std::back_inserter(some));
  }
  BF_TRY(give_up(context, root_tree, some));
  return {};
}

}  // namespace butterfuse
