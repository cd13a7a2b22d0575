// SPDX-License-Identifier: GPL-2.0-or-later
// InodeMender: each inode item against the rest of its items and its names.
//
// Which field follows from what:
// - nlink: how many names it has; 1 for a directory that has one;
// - size, of a directory: twice the length of its names, since each is in two items; as the kernel counts;
// - nbytes: the bytes of its extents, without holes;
// - kind: what both items of its names say, unless its content speaks against it;
// - flags: without bits that no version of btrfs knows, and without those that contradict what the file has.
//
// The size of a file is left as it is: extents may end before it (a hole) and behind it (preallocated).
#include "core/repair/mend_inodes.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/ondisk/entry_type.h"

namespace butterfuse::repair {

Status InodeMender::make_sure_of_kinds() {
  BF_TRY(drop_inode_cache());
  BF_TRY(make_missing_inodes());
  return settle_kinds();
}

Status InodeMender::settle(const std::map<uint64_t, uint64_t>& names) {
  for (auto& [ino, inode] : survey_.inodes) {
    const auto count = names.find(ino);
    BF_TRY(settle_inode(ino, inode, count == names.end() ? 0 : count->second));
  }
  return {};
}

// The list of free inode numbers that kernels before 5.11 could keep (inode_cache): nothing else reads it.
Status InodeMender::drop_inode_cache() {
  if (survey_.inodes.erase(objectid::kFreeIno) == 0) return {};
  BF_TRY(edit_.remove_all(objectid::kFreeIno));
  BF_TRY(edit_.remove_all(objectid::kFreeSpace));  // which says where it was
  changes_.add("the inode cache removed");
  return {};
}

Status InodeMender::make_missing_inodes() {
  survey_.inodes[objectid::kFirstFree];  // there must be one
  for (auto& [ino, inode] : survey_.inodes) {
    if (inode.item || !is_common(ino) || inode.orphan) continue;
    if (!is_worth_an_inode(inode, ino)) {
      BF_TRY(edit_.remove_all(ino));
      changes_.add("inode {}: items without an inode item removed", ino);
      continue;
    }
    inode.item = guess_inode(survey_, ino, filesystem_.last_committed());
    BF_TRY(edit_.set_inode(ino, *inode.item));
    changes_.add("inode {}: made anew with mode {:o}", ino, uint32_t{inode.item->mode});
  }
  return {};
}

// Two items of each name against one mode, where the content does not object.
Status InodeMender::settle_kinds() {
  std::map<uint64_t, std::set<uint8_t>> told;  // types by inode
  told[objectid::kFirstFree] = {file_type::kDir};
  for (const auto& [place, name] : survey_.names)
    if (name.item && name.indexes.size() == 1 && *name.item == name.indexes.begin()->second &&
        name.item->location.type == key_type::kInodeItem)
      told[name.item->location.objectid].insert(name.item->type);
  for (const auto& [ino, types] : told) {
    const auto inode = survey_.inodes.find(ino);
    if (types.size() != 1 || inode == survey_.inodes.end() || !inode->second.item) continue;
    const uint32_t kind = mode_of_entry_type(*types.begin());
    DiskInodeItem& item = *inode->second.item;
    const bool content_objects = S_ISDIR(kind) ? inode->second.has_extents : inode->second.has_entries;
    if (kind == 0 || (item.mode & S_IFMT) == kind || content_objects) continue;
    // A symbolic link has all permissions; for others those of the item are the only ones known.
    item.mode = (S_ISLNK(kind) ? 0777 : item.mode & 07777) | kind;
    BF_TRY(edit_.set_inode(ino, item));
    changes_.add("inode {}: mode {:o} written, as its names have it", ino, uint32_t{item.mode});
  }
  return {};
}

uint64_t InodeMender::name_bytes(uint64_t dir) const {
  uint64_t bytes = 0;
  for (auto name = survey_.names.lower_bound({dir, ""});
       name != survey_.names.end() && name->first.first == dir; ++name)
    if (name->second.item) bytes += 2 * name->first.second.size();
  return bytes;
}

Status InodeMender::settle_inode(uint64_t ino, FoundInode& inode, uint64_t names) {
  if (!inode.item || !is_common(ino)) return {};
  DiskInodeItem item = *inode.item;
  const bool is_dir = S_ISDIR(item.mode);
  // The top directory has no name in its own subvolume, and one link all the same.
  const uint64_t links = ino == objectid::kFirstFree ? 1 : names;
  if (!inode.orphan) item.nlink = static_cast<uint32_t>(is_dir && links > 0 ? 1 : links);
  item.flags = item.flags & kKnownInodeFlags;
  item.mode = item.mode & (S_IFMT | 07777);
  // Compressed data has checksums (mend_csums computes them), and with it all the file's.
  if (inode.has_compressed) item.flags = item.flags & ~(inode_flag::kNoDataSum | inode_flag::kNoDataCow);
  if (S_ISLNK(item.mode)) item.flags = item.flags & ~(inode_flag::kImmutable | inode_flag::kAppend);
  if (is_dir) item.size = name_bytes(ino);
  if (!is_dir && !inode.orphan) item.nbytes = inode.extent_bytes;
  if (std::memcmp(&item, &*inode.item, sizeof item) != 0) {
    BF_TRY(edit_.set_inode(ino, item));
    changes_.add("inode {}: mode {:o}, links {}, size {}, bytes {}, flags {:#x}", ino, uint32_t{item.mode},
                 uint32_t{item.nlink}, uint64_t{item.size}, uint64_t{item.nbytes}, uint64_t{item.flags});
  }
  if (item.nlink == 0 && !inode.orphan) {
    BF_TRY(edit_.add_orphan(ino));
    changes_.add("inode {}: has no name, will be deleted at the next mount", ino);
  }
  if (S_ISREG(item.mode) && item.nlink > 0 && !filesystem_.has_incompat(incompat::kNoHoles))
    BF_TRY(edit_.fill_gaps(ino, std::max<uint64_t>(item.size, inode.extent_end)));
  return {};
}

}  // namespace butterfuse::repair
