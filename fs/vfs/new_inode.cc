// New inodes: numbers, and taking them back.
#include "fs/vfs/new_inode.h"

namespace butterfuse {

Result<InodePtr> new_inode(Mount& mount, Inode& dir, const InodeItem& item) {
  std::atomic<uint64_t>& next = dir.subvolume().next_ino;
  uint64_t ino = next.load();
  do {
    if (ino > objectid::kLastFree)
      return make_error(ENOSPC, "subvolume {} has no inode numbers left", dir.key().root_id);
  } while (!next.compare_exchange_weak(ino, ino + 1));
  auto inode = std::make_shared<Inode>(mount, dir.subvolume(), ino, item);
  inode->set_no_extents_behind_size();
  return mount.inodes().add(std::move(inode));
}

tl::unexpected<Error> take_back(Mount& mount, Inode& child, Status&& failed) {
  child.forget_item();
  mount.inodes().discard(child);
  return tl::unexpected(std::move(failed).error());
}

}  // namespace butterfuse
