// SPDX-License-Identifier: GPL-2.0-or-later
// Inode flags: three spellings of the same bits, and the rules between them.
//
// What chattr(1) sets, and what is refused or passed over:
//
//   a A c C d D i m S       stored, a bit each
//   V                       shown of files sealed by fs-verity; setting back what was shown is no error
//   c with m, C with either  EINVAL
//   C of a file with data   passed over: its extents have the old form, and all of a file must have one
//   others                  EOPNOTSUPP
//
// c is two things that go together: the flag, and the property btrfs.compression, which names the codec.
// Setting or taking the one does the same with the other. Bits that are btrfs's own stay as they are.
#include "fs/control/inode_flags.h"

#include <linux/fs.h>

#include "fs/attributes/xattr.h"
#include "fs/data/file_extents.h"
#include "fs/inode/clock.h"
#include "fs/inode/compression_property.h"
#include "fs/inode/guards.h"

namespace butterfuse {
namespace {

struct FlagName {
  uint64_t stored;   // inode_flag::
  uint32_t fs_flag;  // FS_*_FL
  uint32_t xflag;    // FS_XFLAG_*; 0: none
};
constexpr FlagName kFlags[] = {
    {inode_flag::kSync, FS_SYNC_FL, FS_XFLAG_SYNC},
    {inode_flag::kImmutable, FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE},
    {inode_flag::kAppend, FS_APPEND_FL, FS_XFLAG_APPEND},
    {inode_flag::kNoDump, FS_NODUMP_FL, FS_XFLAG_NODUMP},
    {inode_flag::kNoAtime, FS_NOATIME_FL, FS_XFLAG_NOATIME},
    {inode_flag::kDirSync, FS_DIRSYNC_FL, 0},
    {inode_flag::kNoDataCow, FS_NOCOW_FL, 0},
    {inode_flag::kCompress, FS_COMPR_FL, 0},
    {inode_flag::kNoCompress, FS_NOCOMP_FL, 0},
};

Status check_fs_flags(uint32_t flags) {
  uint32_t known = 0;
  for (const FlagName& flag : kFlags) known |= flag.fs_flag;
  if (flags & ~known)
    return make_error(EOPNOTSUPP, "inode flags {:#x} do not exist in btrfs", flags & ~known);
  if ((flags & FS_COMPR_FL) && (flags & FS_NOCOMP_FL))
    return make_error(EINVAL, "compressed and never compressed exclude each other");
  if ((flags & (FS_COMPR_FL | FS_NOCOMP_FL)) && (flags & FS_NOCOW_FL))
    return make_error(EINVAL, "compression needs copy-on-write: c and m exclude C");
  return {};
}

// Nothing of an old form may be there when C changes; checksums go along with it in regular files.
uint64_t nodatacow_bits(const Inode& inode, const InodeItem& item, uint32_t flags) {
  const uint64_t both = inode_flag::kNoDataCow | inode_flag::kNoDataSum;
  if (inode.is_regular()) {
    if (item.size != 0) return item.flags & both;
    return flags & FS_NOCOW_FL ? both : 0;
  }
  return flags & FS_NOCOW_FL ? inode_flag::kNoDataCow : item.flags & inode_flag::kNoDataSum;
}

// c names its codec in the property; without c there is none.
Status set_codec(Mount& mount, Inode& inode, uint32_t flags) {
  if (!inode.is_regular() && !inode.is_dir()) return {};
  const bool has = inode.compression_property() != 0;
  if (!(flags & FS_COMPR_FL)) return has ? set_compression(mount, inode, "") : Status{};
  if (has) return {};
  const uint8_t type = mount.options().compress.type;
  const CompressionProperty wish{.type = type == compression_type::kNone ? compression_type::kZlib : type};
  return set_compression(mount, inode, wish.text());
}

}  // namespace

uint32_t get_fs_flags(const Inode& inode) {
  const uint64_t stored = inode.item().flags;
  uint32_t flags = 0;
  for (const FlagName& flag : kFlags)
    if (stored & flag.stored) flags |= flag.fs_flag;
  if (stored & inode_flag::kRoVerity) flags |= FS_VERITY_FL;
  // The kernel makes such files in directories with c on mounts with nodatacow. They are never compressed,
  // and who adds a flag to those they have could not set both.
  if (flags & FS_NOCOW_FL) flags &= ~uint32_t{FS_COMPR_FL | FS_NOCOMP_FL};
  return flags;
}

Status set_fs_flags(Mount& mount, Inode& inode, uint32_t flags) {
  BF_TRY(mount.check_writable(inode));
  flags &= ~uint32_t{FS_VERITY_FL};  // shown, never changed
  BF_TRY(check_fs_flags(flags));
  BF_TRY(inode.load_properties());
  WriterLock lock(inode.data_lock());
  BF_TRY(set_codec(mount, inode, flags));
  // What a power cut left behind the end has the old form: written in place,
  // it would keep checksums of older bytes.
  if (inode.is_regular()) BF_TRY(drop_behind_size(mount, inode));
  BF_ASSIGN(TransactionHandle handle, mount.filesystem().begin(1, inode.root_id()));
  const InodeItem before = inode.item();
  inode.change([&](InodeItem& item) {
    uint64_t bits = 0;
    for (const FlagName& flag : kFlags)
      if (flag.fs_flag != FS_NOCOW_FL && (flags & flag.fs_flag)) bits |= flag.stored;
    constexpr uint64_t kKept =
        inode_flag::kReadonly | inode_flag::kPrealloc | inode_flag::kRootItemInit | ~uint64_t{UINT32_MAX};
    item.flags = bits | (item.flags & kKept) | nodatacow_bits(inode, before, flags);
    item.ctime = current_time();
    ++item.sequence;
  });
  return or_abort(handle, inode.save(handle));
}

uint32_t get_fs_xflags(const Inode& inode) {
  const uint64_t stored = inode.item().flags;
  uint32_t xflags = 0;
  for (const FlagName& flag : kFlags)
    if (stored & flag.stored) xflags |= flag.xflag;
  return xflags;
}

Status set_fs_xflags(Mount& mount, Inode& inode, uint32_t xflags) {
  uint32_t flags = get_fs_flags(inode), known = 0;
  for (const FlagName& flag : kFlags) {
    known |= flag.xflag;
    if (flag.xflag != 0) flags = xflags & flag.xflag ? flags | flag.fs_flag : flags & ~flag.fs_flag;
  }
  if (xflags & ~known)
    return make_error(EOPNOTSUPP, "inode flags {:#x} do not exist in btrfs", xflags & ~known);
  return set_fs_flags(mount, inode, flags);
}

}  // namespace butterfuse
