// Creating inodes: what a new one inherits, and the items it starts with.
#include "fs/vfs/create.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "compress/codec.h"
#include "core/items/dir_item.h"
#include "core/items/file_extent.h"
#include "core/items/xattr_item.h"
#include "fs/vfs/clock.h"
#include "fs/vfs/lookup.h"
#include "fs/vfs/names.h"

namespace butterfuse {
namespace {

constexpr uint32_t kCreateItems = 7;  // inode, ref, two entries, directory inode, xattr, symlink target

// Flags a child takes from its directory, then what the mount options ask of regular files.
uint64_t inherited_flags(const MountOptions& options, uint64_t dir_flags, uint32_t mode) {
  uint64_t flags = 0;
  if (dir_flags & inode_flag::kNoCompress) {
    flags |= inode_flag::kNoCompress;
  } else if (dir_flags & inode_flag::kCompress) {
    flags |= inode_flag::kCompress;
  }
  if (dir_flags & inode_flag::kNoDataCow) {
    flags |= inode_flag::kNoDataCow;
    if (S_ISREG(mode)) flags |= inode_flag::kNoDataSum;
  }
  if (S_ISREG(mode)) {
    if (!options.datasum) flags |= inode_flag::kNoDataSum;
    if (!options.datacow) flags |= inode_flag::kNoDataCow | inode_flag::kNoDataSum;
  }
  return flags;
}

InodeItem new_item(const Mount& mount, const InodeItem& dir, const NewInode& what, const Caller& caller) {
  InodeItem item;
  item.mode = what.mode;
  item.uid = caller.uid;
  item.gid = caller.gid;
  if (dir.mode & S_ISGID) {
    item.gid = dir.gid;
    if (S_ISDIR(what.mode)) item.mode |= S_ISGID;
  }
  if (S_ISCHR(what.mode) || S_ISBLK(what.mode)) item.rdev = what.rdev;
  item.flags = inherited_flags(mount.options(), dir.flags, what.mode);
  item.atime = item.ctime = item.mtime = item.otime = current_time();
  if (S_ISLNK(what.mode)) item.size = item.nbytes = what.target.size();
  return item;
}

Status write_target(TransactionHandle& handle, Inode& link, std::string_view target) {
  FileExtent extent;
  extent.kind = ExtentKind::inline_data;
  extent.num_bytes = extent.ram_bytes = target.size();
  extent.generation = handle.transid();
  const ByteSpan bytes = as_bytes(target);
  extent.data.assign(bytes.begin(), bytes.end());
  return insert_file_extent(link.tree(), handle, link.ino(), extent, true);
}

Status inherit_compression(TransactionHandle& handle, const Inode& dir, Inode& child) {
  const uint8_t type =
      child.is_regular() || child.is_dir() ? dir.compression_property() : compression_type::kNone;
  child.set_compression_property(type);
  if (type == compression_type::kNone) return {};
  const ByteSpan value = as_bytes(codec_by_type(type)->name());
  return write_xattr(child.tree(), handle, child.ino(), xattr_name::kCompression, value);
}

// The name comes first: it is the step that may fail without harm.
Status insert_items(TransactionHandle& handle, Inode& dir, Inode& child, std::string_view name,
                    const NewInode& what) {
  BF_TRY(add_name(handle, dir, child, name));
  child.change([&](InodeItem& item) { item.generation = handle.transid(); });
  BF_TRY(or_abort(handle, child.save(handle)));
  if (child.is_symlink()) BF_TRY(or_abort(handle, write_target(handle, child, what.target)));
  return or_abort(handle, inherit_compression(handle, dir, child));
}

Status check_target(Mount& mount, const NewInode& what) {
  if (!S_ISLNK(what.mode)) return {};
  const uint64_t limit = std::min<uint64_t>(max_inline_bytes(mount.filesystem()), kSectorSize - 1);
  if (what.target.empty()) return make_error(ENOENT, "empty target of a symbolic link");
  if (what.target.size() > limit) return make_error(ENAMETOOLONG, "target of {} bytes", what.target.size());
  return {};
}

Status check_absent(Inode& dir, std::string_view name) {
  if (!dir.is_dir()) return make_error(ENOTDIR, "inode {} is no directory", dir.ino());
  if (dir.nlink() == 0) return make_error(ENOENT, "directory {} was removed", dir.ino());
  if (name == "." || name == "..") return make_error(EEXIST, "'{}' exists", name);
  BF_ASSIGN(const auto entry, lookup_dir_entry(dir.tree(), dir.ino(), name));
  if (entry) return make_error(EEXIST, "'{}' exists", name);
  return {};
}

}  // namespace

Result<InodePtr> create(Mount& mount, Inode& dir, std::string_view name, const NewInode& what,
                        const Caller& caller) {
  BF_TRY(check_name(name));
  BF_TRY(mount.check_writable(dir));
  BF_TRY(check_can_add_names(dir));
  BF_TRY(check_target(mount, what));
  BF_TRY(dir.load_properties());
  InodePtr child;
  ReaderLock names(mount.namespace_lock());
  WriterLock entries(dir.names_lock());
  BF_TRY(check_absent(dir, name));
  const uint64_t ino = dir.subvolume().next_ino.fetch_add(1);
  if (ino > objectid::kLastFree)
    return make_error(ENOSPC, "subvolume {} has no inode numbers left", dir.key().root_id);
  child = mount.inodes().add(
      std::make_shared<Inode>(mount, dir.subvolume(), ino, new_item(mount, dir.item(), what, caller)));
  auto insert = [&]() -> Status {
    BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(kCreateItems));
    return insert_items(handle, dir, *child, name, what);
  };
  if (auto status = insert(); !status) {
    child->forget_item();
    mount.inodes().discard(*child);
    return tl::unexpected(std::move(status).error());
  }
  return child;
}

Result<std::string> read_link(Mount& mount, Inode& inode) {
  if (!inode.is_symlink()) return make_error(EINVAL, "inode {} is no symbolic link", inode.ino());
  const uint64_t size = inode.item().size;
  if (size == 0 || size > kSectorSize)
    return make_error(EUCLEAN, "symbolic link {} of {} bytes", inode.ino(), size);
  std::string target(size, '\0');
  BF_TRY(mount.reader().read(inode.tree(), inode.ino(), inode.nodatasum(), {0, size},
                             {reinterpret_cast<std::byte*>(target.data()), target.size()}));
  return target;
}

// btrfs stores the kernel's "huge" encoding: minor in the low 20 bits, major above.
uint64_t encode_rdev(uint64_t dev) { return uint64_t{gnu_dev_major(dev)} << 20 | gnu_dev_minor(dev); }
uint64_t decode_rdev(uint64_t rdev) {
  return gnu_dev_makedev(static_cast<unsigned>(rdev >> 20), rdev & 0xFFFFF);
}

}  // namespace butterfuse
