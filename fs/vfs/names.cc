// Names: directory entry, back reference and directory attributes change together.
#include "fs/vfs/names.h"

#include "core/items/dir_item.h"
#include "fs/vfs/clock.h"
#include "fs/vfs/file.h"
#include "fs/vfs/fsync.h"

namespace butterfuse {
namespace {

// btrfs counts each name twice in a directory's size: for its DIR_ITEM and its DIR_INDEX.
Status save_dir(TransactionHandle& handle, Inode& dir, int64_t name_bytes) {
  const Timespec now = current_time();
  dir.change([&](InodeItem& item) {
    item.size += static_cast<uint64_t>(2 * name_bytes);
    item.mtime = item.ctime = now;
    ++item.sequence;
  });
  return or_abort(handle, dir.save(handle));
}

}  // namespace

Status check_not_readonly(const Inode& inode) {
  if (inode.item().flags & inode_flag::kReadonly)
    return make_error(EACCES, "inode {} has the READONLY flag", inode.ino());
  return {};
}

Status check_not_sealed(const Inode& inode) {
  if (inode.item().flags & inode_flag::kRoVerity)
    return make_error(EPERM, "inode {} is sealed by fs-verity", inode.ino());
  return {};
}

Status names_changed(Mount& mount, Inode& dir) {
  const bool durable =
      mount.options().sync_names || (dir.item().flags & (inode_flag::kDirSync | inode_flag::kSync));
  return durable ? sync_directory(mount, dir) : Status{};
}

Status or_abort(TransactionHandle& handle, Status status) {
  if (!status) handle.abort(status.error());
  return status;
}

Status check_not_immutable(const Inode& inode) {
  if (inode.item().flags & (inode_flag::kImmutable | inode_flag::kAppend)) {
    return make_error(EPERM, "inode {} is immutable or append-only", inode.ino());
  }
  return {};
}

Status check_content_may_change(const Inode& inode) {
  BF_TRY(check_not_sealed(inode));
  return check_not_readonly(inode);
}

Status check_can_be_added_to(const Inode& inode) {
  if (inode.item().flags & inode_flag::kImmutable)
    return make_error(EPERM, "inode {} is immutable", inode.ino());
  return {};
}

Status check_can_add_names(const Inode& dir) {
  BF_TRY(check_can_be_added_to(dir));
  return check_not_readonly(dir);
}

Status check_can_take_names(const Inode& dir) {
  BF_TRY(check_not_immutable(dir));
  return check_not_readonly(dir);
}

Status add_name(TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name) {
  BF_ASSIGN(const uint64_t index, dir.take_dir_index());
  const DirEntry entry{.name = std::string(name),
                       .location = {child.ino(), key_type::kInodeItem, 0},
                       .type = child.dir_entry_type(),
                       .index = index,
                       .transid = handle.transid()};
  BF_TRY(insert_dir_entry(dir.tree(), handle, dir.ino(), entry));
  const bool extref = handle.filesystem().has_incompat(incompat::kExtendedIref);
  const InodeRef ref{dir.ino(), index, entry.name};
  if (auto status = insert_inode_ref(dir.tree(), handle, child.ino(), ref, extref); !status) {
    if (status.error().code != EMLINK) return or_abort(handle, std::move(status));
    BF_TRY(or_abort(handle, remove_dir_entry(dir.tree(), handle, dir.ino(), name, index)));
    return status;
  }
  dir.mount().fsync_log().note_name_added(handle, dir, index, child);
  return save_dir(handle, dir, static_cast<int64_t>(name.size()));
}

Status remove_name(TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name) {
  BF_TRY(or_abort(handle, dir.load_dir_index()));
  auto index = remove_inode_ref(dir.tree(), handle, child.ino(), dir.ino(), name);
  if (!index && index.error().code == ENOENT) {
    return make_error(EUCLEAN, "inode {} does not know its name '{}' in directory {}", child.ino(), name,
                      dir.ino());
  }
  if (!index) return or_abort(handle, tl::unexpected(std::move(index).error()));
  BF_TRY(or_abort(handle, remove_dir_entry(dir.tree(), handle, dir.ino(), name, *index)));
  dir.mount().fsync_log().note_name_removed(handle, dir, *index, std::string(name), child);
  return save_dir(handle, dir, -static_cast<int64_t>(name.size()));
}

Status remove_bare_entry(TransactionHandle& handle, Inode& dir, std::string_view name) {
  BF_TRY(dir.load_dir_index());
  uint64_t index = 0;
  BF_TRY(for_each_dir_entry(dir.tree(), dir.ino(), 0, [&](const DirEntry& entry) {
    if (entry.name == name) index = entry.index;
    return index == 0;
  }));
  if (index == 0) return make_error(EUCLEAN, "entry '{}' of directory {} has no index", name, dir.ino());
  BF_TRY(or_abort(handle, remove_dir_entry(dir.tree(), handle, dir.ino(), name, index)));
  dir.mount().fsync_log().require_commit(handle);
  return save_dir(handle, dir, -static_cast<int64_t>(name.size()));
}

}  // namespace butterfuse
