// SPDX-License-Identifier: GPL-2.0-or-later
// Reading directories: a batch at a time, in DIR_INDEX order.
//
// In the order of indexes, which is that in which names came. A position is an index, not a place among the
// others: what goes or comes in between moves nobody. Two things end a batch: the room of the answer (an
// estimate that may be one entry too much: the caller drops it, and asks for it again), and the end that was
// known when the listing began, without which a rename in a loop would never end.
#include "fs/names/readdir.h"

#include <sys/stat.h>

#include "core/ondisk/entry_type.h"
#include "fs/names/lookup.h"

namespace butterfuse {
namespace {

// As stat(2) of it says.
uint64_t ino_of_entry(Mount& mount, Inode& dir, const DirEntry& entry) {
  InodeKey key{dir.key().root_id, entry.location.objectid};
  if (entry.location.type == key_type::kRootItem) {
    auto subvolume = key_of_subvolume_entry(mount, dir, entry);
    key = subvolume ? *subvolume : InodeKey{entry.location.objectid, objectid::kFirstFree};
  }
  return mount.node_ids().ino_of(key);
}

Result<ListedEntry> dot_entry(Mount& mount, Inode& dir, bool dotdot) {
  ListedEntry listed;
  listed.name = dotdot ? ".." : ".";
  listed.mode = S_IFDIR;
  listed.next_position = dotdot ? 2 : 1;
  listed.is_dot = true;
  InodeKey key = dir.key();
  if (dotdot) {
    if (auto parent = parent_of(mount, dir)) key = *parent;  // a removed directory has none
  }
  listed.ino = mount.node_ids().ino_of(key);
  return listed;
}

}  // namespace

Result<uint64_t> listing_end(Mount& mount, Inode& dir) {
  if (!dir.is_dir()) return make_error(ENOTDIR, "inode {} is no directory", dir.ino());
  if (dir.is_placeholder()) return 0;
  ReaderLock names(mount.namespace_lock());
  ReaderLock entries(dir.names_lock());
  return dir.dir_index_end();
}

Result<std::vector<ListedEntry>> list_directory(Mount& mount, Inode& dir, uint64_t position, uint64_t end,
                                                size_t budget_bytes, size_t entry_bytes) {
  if (!dir.is_dir()) return make_error(ENOTDIR, "inode {} is no directory", dir.ino());
  std::vector<ListedEntry> list;
  size_t used_bytes = 0;
  for (; position < 2; ++position) {
    BF_ASSIGN(ListedEntry dot, dot_entry(mount, dir, position == 1));
    used_bytes += entry_bytes;
    list.push_back(std::move(dot));
  }
  if (dir.is_placeholder()) return list;
  auto visit = [&](const DirEntry& entry) {
    if (entry.index >= end) return false;
    ListedEntry listed;
    listed.name = entry.name;
    listed.mode = mode_of_entry_type(entry.type);
    listed.next_position = entry.index + 1;
    listed.entry = entry;
    used_bytes += entry_bytes + entry.name.size();
    list.push_back(std::move(listed));
    return used_bytes < budget_bytes;
  };
  if (used_bytes < budget_bytes) BF_TRY(for_each_dir_entry(dir.tree(), dir.ino(), position, visit));
  for (ListedEntry& listed : list)  // once the tree's lock is gone
    if (!listed.is_dot) listed.ino = ino_of_entry(mount, dir, listed.entry);
  return list;
}

}  // namespace butterfuse
