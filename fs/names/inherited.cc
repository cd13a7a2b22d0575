// SPDX-License-Identifier: GPL-2.0-or-later
// Inherited: group, flags, compression and access control lists of new inodes.
//
// What a new inode takes, and from whom:
//
//   owner          its maker
//   group          its maker's; the directory's where that has set-group-id, which its directories get, too
//   permissions    as asked, less the umask; or cut down to the default access list of the directory
//   flags          c, m and C of the directory; then nodatacow, nodatasum of the mount, for regular files
//   compression    the directory's property, of files and directories that may be compressed at all
//   times          now, all four
//
// With access lists the kernel leaves the umask to us (FUSE_CAP_DONT_MASK): only here it is known whether a
// list takes its place.
#include "fs/names/inherited.h"

#include <sys/stat.h>

#include "core/items/xattr_item.h"
#include "fs/inode/clock.h"

namespace butterfuse {
namespace {

constexpr uint64_t kUncompressed = inode_flag::kNoDataCow | inode_flag::kNoDataSum;

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
  // Of two wishes that exclude each other the one for data written in place wins, as nothing else is ever
  // done with such a file.
  if (flags & kUncompressed) flags &= ~(inode_flag::kCompress | inode_flag::kNoCompress);
  return flags;
}

Result<InodeItem> new_item(const Mount& mount, const InodeItem& dir, const NewInode& what,
                           const Caller& caller) {
  InodeItem item;
  item.mode = what.mode;
  BF_ASSIGN(item.uid, mount.options().uids.of_maker(caller.uid));
  BF_ASSIGN(item.gid, mount.options().gids.of_maker(caller.gid));
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

// A default list takes the umask's place: its entries are cut down to the mode asked for.
Status inherit_acl(Mount& mount, Inode& dir, const NewInode& what, Inherited& inherited) {
  InodeItem& item = inherited.item;
  if (S_ISLNK(what.mode)) return {};
  std::optional<std::vector<std::byte>> bytes;
  if (mount.options().acl && dir.has(KnownXattr::default_acl)) {
    BF_ASSIGN(bytes, read_xattr(dir.tree(), dir.ino(), xattr_name::kDefaultAcl));
  }
  if (!bytes) {
    item.mode &= ~(what.umask & 0777);
    return {};
  }
  auto parsed = Acl::parse(*bytes);
  if (!parsed) return make_error(EIO, "directory {}: {}", dir.ino(), parsed.error().message);
  if (S_ISDIR(what.mode)) inherited.default_acl = *parsed;
  item.mode = (item.mode & ~0777u) | parsed->restrict_to(item.mode & 0777);
  if (!parsed->is_mode_only()) inherited.access_acl = std::move(*parsed);
  return {};
}

Status write_one(TransactionHandle& handle, Inode& child, std::string_view name, ByteSpan value) {
  child.note_xattr(name, true);
  return write_xattr(child.tree(), handle, child.ino(), name, value);
}

}  // namespace

Result<Inherited> inherit(Mount& mount, Inode& dir, const NewInode& what, const Caller& caller) {
  Inherited inherited;
  BF_ASSIGN(inherited.item, new_item(mount, dir.item(), what, caller));
  if ((S_ISREG(what.mode) || S_ISDIR(what.mode)) && !(inherited.item.flags & kUncompressed))
    inherited.compression = CompressionProperty::unpacked(dir.compression_property());
  BF_TRY(inherit_acl(mount, dir, what, inherited));
  return inherited;
}

uint32_t inherited_items(const Inherited& inherited) {
  return uint32_t{inherited.compression.names_codec()} + inherited.access_acl.has_value() +
         inherited.default_acl.has_value();
}

Status write_inherited(TransactionHandle& handle, Inode& child, const Inherited& inherited) {
  child.set_compression_property(inherited.compression.packed());
  if (inherited.compression.names_codec()) {
    const std::string value = inherited.compression.text();
    BF_TRY(write_one(handle, child, xattr_name::kCompression, as_bytes(value)));
  }
  if (inherited.access_acl)
    BF_TRY(write_one(handle, child, xattr_name::kAccessAcl, inherited.access_acl->encode()));
  if (inherited.default_acl)
    BF_TRY(write_one(handle, child, xattr_name::kDefaultAcl, inherited.default_acl->encode()));
  return {};
}

}  // namespace butterfuse
