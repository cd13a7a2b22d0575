// SPDX-License-Identifier: GPL-2.0-or-later
// Renaming: names move between directories in one transaction.
//
// Everything in one transaction, with the name-space lock alone: no other rename can make a directory its own
// parent meanwhile, and no lock of a directory is needed. What is asked, in this order: flags and names;
// subvolumes (EXDEV); flags of inodes; loops; then the rules of POSIX for what has the new name already.
//
//   new name is free      add the new, remove the old          adding may fail without harm
//   it is another's       remove it, drop its link, remove the old, add the new, for which there is room now
//   exchange              remove both, add both
//   whiteout              and a device 0:0 under the old name: at last, since it could not be added before
#include "fs/names/rename.h"

#include <stdio.h>  // RENAME_*
#include <sys/stat.h>

#include "core/items/dir_item.h"
#include "fs/inode/clock.h"
#include "fs/inode/guards.h"
#include "fs/names/lookup.h"
#include "fs/names/names.h"
#include "fs/names/new_inode.h"
#include "fs/names/unlink.h"

namespace butterfuse {
namespace {

// Of both names two entries and a back reference; four inodes; an orphan; a whiteout and its names.
constexpr uint32_t kRenameItems = 16;

Status check_request(Mount& mount, const RenameRequest& request) {
  if (request.flags & ~unsigned{RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT})
    return make_error(EINVAL, "rename flags {:#x}", request.flags);
  if ((request.flags & RENAME_EXCHANGE) && request.flags != RENAME_EXCHANGE)
    return make_error(EINVAL, "rename flags exclude each other");
  BF_TRY(check_name(request.old_name));
  BF_TRY(check_name(request.new_name));
  BF_TRY(mount.check_writable(request.old_dir));
  BF_TRY(mount.check_writable(request.new_dir));
  if (!request.old_dir.is_dir() || !request.new_dir.is_dir())
    return make_error(ENOTDIR, "rename in no directory");
  if (request.old_dir.key().root_id != request.new_dir.key().root_id)
    return make_error(EXDEV, "rename across subvolumes");
  if (request.new_dir.is_unlinked())
    return make_error(ENOENT, "directory {} was removed", request.new_dir.ino());
  BF_TRY(check_can_take_names(request.old_dir));
  return request.flags & RENAME_EXCHANGE ? check_can_take_names(request.new_dir)
                                         : check_can_add_names(request.new_dir);
}

// Moving the root of another subvolume changes root references: not here yet.
Status check_moves(const Inode& inode, const RenameRequest& request) {
  if (inode.key().root_id != request.old_dir.key().root_id) {
    return make_error(ENOTSUP, "renaming subvolumes is not supported yet");
  }
  return check_not_immutable(inode);
}

// `dir` or one of its parents is `inode`. On a damaged image parents may form a ring: it is noticed when the
// way up meets the place where it was after the last power of two of steps.
Result<bool> is_inside(Mount& mount, Inode& dir, const Inode& inode) {
  InodePtr up;
  InodeKey mark = dir.key();
  uint64_t steps = 0, next_mark = 1;
  for (Inode* at = &dir;;) {
    if (at->key() == inode.key()) return true;
    if (at->ino() == at->subvolume().root_dirid) return false;
    BF_ASSIGN(const InodeKey parent, parent_of(mount, *at));
    if (parent == mark) return make_error(EUCLEAN, "directory {} is its own parent", parent.ino);
    if (++steps == next_mark) {
      mark = parent;
      next_mark *= 2;
    }
    BF_ASSIGN(up, mount.inodes().get(parent));
    at = up.get();
  }
}

// Its ".." is part of a directory.
Status check_parent_may_change(const RenameRequest& request, const Inode& inode) {
  const bool changes = inode.is_dir() && request.old_dir.key() != request.new_dir.key();
  return changes ? check_not_readonly(inode) : Status{};
}

Status check_target(Mount& mount, const RenameRequest& request, Inode& source, Inode& target) {
  if (request.flags & RENAME_NOREPLACE) return make_error(EEXIST, "'{}' exists", request.new_name);
  BF_TRY(check_moves(target, request));
  if (request.flags & RENAME_EXCHANGE) {
    BF_TRY(check_parent_may_change(request, target));
    if (!target.is_dir()) return {};
    BF_ASSIGN(const bool loop, is_inside(mount, request.old_dir, target));
    return loop ? make_error(EINVAL, "directory would move into itself") : Status{};
  }
  BF_TRY(check_can_take_names(request.new_dir));
  if (!target.is_dir())
    return source.is_dir() ? make_error(ENOTDIR, "'{}' is no directory", request.new_name) : Status{};
  if (!source.is_dir()) return make_error(EISDIR, "'{}' is a directory", request.new_name);
  BF_ASSIGN(const bool empty, dir_is_empty(target.tree(), target.ino()));
  return empty ? Status{} : make_error(ENOTEMPTY, "'{}' is not empty", request.new_name);
}

Status save_moved(TransactionHandle& handle, Inode& inode) {
  inode.change([&](InodeItem& item) {
    ++item.sequence;
    item.ctime = current_time();
  });
  return inode.save(handle);
}

// To a free name: adding comes first, since it may fail without harm.
Status move_name(Mount& mount, TransactionHandle& handle, const RenameRequest& request, Inode& source) {
  BF_TRY(add_name(mount, handle, request.new_dir, source, request.new_name));
  BF_TRY(or_abort(handle, remove_name(mount, handle, request.old_dir, source, request.old_name)));
  return or_abort(handle, save_moved(handle, source));
}

// Over a name: the target's goes first, which leaves the room its entries had.
Status replace_name(Mount& mount, TransactionHandle& handle, const RenameRequest& request, Inode& source,
                    Inode& target) {
  BF_TRY(remove_name(mount, handle, request.new_dir, target, request.new_name));
  BF_TRY(or_abort(handle, drop_link(mount, handle, target)));
  BF_TRY(or_abort(handle, remove_name(mount, handle, request.old_dir, source, request.old_name)));
  BF_TRY(or_abort(handle, add_name(mount, handle, request.new_dir, source, request.new_name)));
  return or_abort(handle, save_moved(handle, source));
}

Status exchange_names(Mount& mount, TransactionHandle& handle, const RenameRequest& request, Inode& source,
                      Inode& target) {
  BF_TRY(remove_name(mount, handle, request.new_dir, target, request.new_name));
  BF_TRY(or_abort(handle, remove_name(mount, handle, request.old_dir, source, request.old_name)));
  BF_TRY(or_abort(handle, add_name(mount, handle, request.new_dir, source, request.new_name)));
  BF_TRY(or_abort(handle, add_name(mount, handle, request.old_dir, target, request.old_name)));
  BF_TRY(or_abort(handle, save_moved(handle, source)));
  return or_abort(handle, save_moved(handle, target));
}

Result<InodeItem> whiteout_item(const Mount& mount, const Caller& caller) {
  InodeItem item;
  item.mode = S_IFCHR;
  BF_ASSIGN(item.uid, mount.options().uids.of_maker(caller.uid));
  BF_ASSIGN(item.gid, mount.options().gids.of_maker(caller.gid));
  item.atime = item.ctime = item.mtime = item.otime = current_time();
  return item;
}

// RENAME_WHITEOUT: the character device 0:0 takes the old name, by which overlayfs knows that it is gone.
Status add_whiteout(Mount& mount, TransactionHandle& handle, const RenameRequest& request, Inode& whiteout) {
  whiteout.change([&](InodeItem& item) {
    item.nlink = 1;
    item.generation = handle.transid();
  });
  BF_TRY(whiteout.save(handle));
  return add_name(mount, handle, request.old_dir, whiteout, request.old_name);
}

Status apply(Mount& mount, const RenameRequest& request, Inode& source, Inode* target, Inode* whiteout) {
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(kRenameItems, source.root_id()));
  if (request.flags & RENAME_EXCHANGE) return exchange_names(mount, handle, request, source, *target);
  BF_TRY(target == nullptr ? move_name(mount, handle, request, source)
                           : replace_name(mount, handle, request, source, *target));
  return whiteout == nullptr ? Status{} : or_abort(handle, add_whiteout(mount, handle, request, *whiteout));
}

// After a crash a name that was renamed over has the old content or the new, never neither: what the
// new one has dirty goes to its extents before the names change. No lock is held meanwhile; a write
// that comes later raced.
Status write_back_replacement(Mount& mount, const RenameRequest& request) {
  if (request.flags != 0) return {};
  BF_ASSIGN(auto target, lookup(mount, request.new_dir, request.new_name));
  if (!target) return {};
  BF_ASSIGN(auto source, lookup(mount, request.old_dir, request.old_name));
  FileData* data = source ? (*source)->data_if_any() : nullptr;
  return data ? data->flush({0, UINT64_MAX}, true) : Status{};
}

Status rename_name(Mount& mount, const RenameRequest& request) {
  BF_TRY(check_request(mount, request));
  BF_TRY(write_back_replacement(mount, request));
  InodePtr source, target, whiteout;
  WriterLock names(mount.namespace_lock());
  BF_ASSIGN(source, lookup_existing(mount, request.old_dir, request.old_name));
  BF_TRY(check_moves(*source, request));
  BF_TRY(check_parent_may_change(request, *source));
  if (source->is_dir() && request.old_dir.key() != request.new_dir.key()) {
    BF_ASSIGN(const bool loop, is_inside(mount, request.new_dir, *source));
    if (loop) return make_error(EINVAL, "directory would move into itself");
  }
  BF_ASSIGN(auto found, lookup(mount, request.new_dir, request.new_name));
  if (found) target = std::move(*found);
  if (!target && (request.flags & RENAME_EXCHANGE))
    return make_error(ENOENT, "no entry '{}'", request.new_name);
  if (target && target->key() == source->key()) return {};  // two links of one inode: POSIX says leave both
  if (target) BF_TRY(check_target(mount, request, *source, *target));
  if (!(request.flags & RENAME_WHITEOUT)) return apply(mount, request, *source, target.get(), nullptr);
  BF_ASSIGN(const InodeItem item, whiteout_item(mount, request.caller));
  BF_ASSIGN(whiteout, new_inode(mount, request.old_dir, item));
  Status renamed = apply(mount, request, *source, target.get(), whiteout.get());
  return renamed ? Status{} : take_back(mount, *whiteout, std::move(renamed));
}

}  // namespace

Status rename(Mount& mount, const RenameRequest& request) {
  BF_TRY(rename_name(mount, request));
  BF_TRY(names_changed(mount, request.old_dir));
  return names_changed(mount, request.new_dir);
}

}  // namespace butterfuse
