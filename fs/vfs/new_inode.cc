// New inodes: numbers, and taking them back.
#include "fs/vfs/new_inode.h"

namespace butterfuse {

Result<InodePtr> new_inode(Mount& mount, Inode& dir, const InodeItem& item) {
  const uint64_t ino = dir.subvolume().next_ino.fetch_add(1);
  if (ino > objectid::kLastFree)
    return make_error(ENOSPC, "subvolume {} has no inode numbers left", dir.key().root_id);
  return mount.inodes().add(std::make_shared<Inode>(mount, dir.subvolume(), ino, item));
}

tl::unexpected<Error> take_back(Mount& mount, Inode& child, Status&& failed) {
  child.forget_item();
  mount.inodes().discard(child);
  return tl::unexpected(std::move(failed).error());
}

}  // namespace butterfuse
