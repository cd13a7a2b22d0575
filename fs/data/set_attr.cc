// SPDX-License-Identifier: GPL-2.0-or-later
// Changes of attributes: what may change, and the list that follows the mode.
#include "fs/data/set_attr.h"

#include <sys/stat.h>

#include "fs/attributes/attr.h"
#include "fs/attributes/xattr.h"
#include "fs/data/truncate.h"
#include "fs/inode/clock.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

// Who may write to a file may set both its times to now, and to an append-only file one may still write.
bool is_touch(const AttrChange& change) {
  return change.times_are_now && !change.mode && !change.uid && !change.gid && !change.size;
}

Status check_change(Mount& mount, Inode& inode, const AttrChange& change) {
  BF_TRY(mount.check_writable(inode));
  BF_TRY(is_touch(change) ? check_can_be_added_to(inode) : check_not_immutable(inode));
  // It takes the right to write.
  if (is_touch(change) && change.by_stranger) BF_TRY(check_not_readonly(inode));
  if (!change.size) return {};
  if (inode.is_dir()) return make_error(EISDIR, "size of directory {}", inode.ino());
  if (!inode.is_regular())
    return make_error(EINVAL, "size of inode {}, which is no regular file", inode.ino());
  BF_TRY(check_content_may_change(inode));
  if (*change.size > kFileSizeMax) return make_error(EFBIG, "size {} is too big", *change.size);
  return inode.load_properties();
}

Result<AttrChange> with_stored_owners(const Mount& mount, const Inode& inode, AttrChange change) {
  const InodeItem item = inode.item();
  if (change.uid) {
    BF_ASSIGN(change.uid, mount.options().uids.of_chown(*change.uid, item.uid));
  }
  if (change.gid) {
    BF_ASSIGN(change.gid, mount.options().gids.of_chown(*change.gid, item.gid));
  }
  return change;
}

void apply_times(InodeItem& item, const AttrChange& change) {
  if (change.atime) item.atime = *change.atime;
  if (change.mtime) item.mtime = *change.mtime;
  item.ctime = change.ctime.value_or(current_time());
  ++item.sequence;
}

void apply(InodeItem& item, const AttrChange& change) {
  if (change.mode) item.mode = (item.mode & S_IFMT) | (*change.mode & ~uint32_t{S_IFMT});
  if (change.uid) item.uid = *change.uid;
  if (change.gid) item.gid = *change.gid;
  apply_times(item, change);
}

Status change_item(Mount& mount, Inode& inode, const AttrChange& change) {
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(1, inode.root_id()));
  inode.change([&](InodeItem& item) { apply(item, change); });
  return or_abort(handle, inode.save(handle));
}

// The access control list follows the mode.
Status change_mode(Mount& mount, Inode& inode, const AttrChange& change) {
  BF_TRY(inode.load_properties());
  if (!inode.has(KnownXattr::access_acl)) return change_item(mount, inode, change);
  WriterLock names(inode.names_lock());
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(2, inode.root_id()));
  BF_TRY(update_acl_mode(handle, inode, *change.mode));
  inode.change([&](InodeItem& item) { apply(item, change); });
  return or_abort(handle, inode.save(handle));
}

// Asked for the size that is there, truncate(2) leaves the times; ftruncate(2) and open(2) name them.
Status change_size(Mount& mount, Inode& inode, const AttrChange& change) {
  {
    WriterLock lock(inode.data_lock());
    const bool is_new = *change.size != inode.data().size();
    BF_TRY(truncate(mount, inode, *change.size));
    if (!is_new && !change.atime && !change.mtime && !change.ctime) return {};
  }
  inode.change([&](InodeItem& item) { apply_times(item, change); });
  inode.mark_dirty();
  return {};
}

}  // namespace

// What may be refused comes before the size: no error must be told of a file that was cut as asked.
Status set_attr(Mount& mount, Inode& inode, const AttrChange& asked) {
  BF_TRY(check_change(mount, inode, asked));
  BF_TRY(mount.make_room_for_inodes());
  BF_ASSIGN(const AttrChange change, with_stored_owners(mount, inode, asked));
  if (change.size || change.uid || change.gid || change.takes_privileges)
    BF_TRY(drop_privileges(mount, inode, change.kill_suidgid, change.kill_sgid));
  if (change.mode) {
    BF_TRY(change_mode(mount, inode, change));
  } else if (!change.size) {
    return change_item(mount, inode, change);
  } else if (change.uid || change.gid) {
    BF_TRY(change_item(mount, inode, change));
  }
  return change.size ? change_size(mount, inode, change) : Status{};
}

}  // namespace butterfuse
