// SPDX-License-Identifier: GPL-2.0-or-later
// New inodes: numbers, and taking them back.
#include "fs/names/new_inode.h"

namespace butterfuse {

Result<InodePtr> new_inode(Mount& mount, Inode& dir, const InodeItem& item) {
  // A number that was taken for nothing is not given back: the next mount may use it again.
  std::atomic<uint64_t>& next = dir.subvolume().next_ino;
  uint64_t ino = next.load();
  do {
    if (ino > objectid::kLastFree)
      return make_error(ENOSPC, "subvolume {} has no inode numbers left", dir.key().root_id);
  } while (!next.compare_exchange_weak(ino, ino + 1));
  auto inode = std::make_shared<Inode>(mount.state(), dir.subvolume(), ino, item);
  inode->set_no_extents_behind_size();
  return mount.inodes().add(std::move(inode));
}

tl::unexpected<Error> take_back(Mount& mount, Inode& child, Status&& failed) {
  child.forget_item();
  mount.inodes().discard(child);
  return tl::unexpected(std::move(failed).error());
}

}  // namespace butterfuse
