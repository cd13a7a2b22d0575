// ioctls of one file: its flags, its generation, and writing it anew.
#include <linux/btrfs.h>
#include <linux/fs.h>

#include "fs/vfs/inode_flags.h"
#include "fs/vfs/ioctl.h"

namespace butterfuse {
namespace {

// FUSE passes the flags as 32 bits whatever the number says.
IoctlAnswer get_flags(const IoctlCall& call) { return answer_of(get_fs_flags(call.inode)); }

IoctlAnswer set_flags(const IoctlCall& call) {
  BF_ASSIGN(const uint32_t flags, argument_of<uint32_t>(call));
  BF_TRY(set_fs_flags(call.mount, call.inode, flags));
  return std::vector<std::byte>{};
}

IoctlAnswer get_xflags(const IoctlCall& call) {
  fsxattr attributes{};
  attributes.fsx_xflags = get_fs_xflags(call.inode);
  return answer_of(attributes);
}

IoctlAnswer set_xflags(const IoctlCall& call) {
  BF_ASSIGN(const fsxattr attributes, argument_of<fsxattr>(call));
  if (attributes.fsx_extsize != 0 || attributes.fsx_projid != 0 || attributes.fsx_cowextsize != 0)
    return make_error(EOPNOTSUPP, "btrfs has neither projects nor extent size hints");
  BF_TRY(set_fs_xflags(call.mount, call.inode, attributes.fsx_xflags));
  return std::vector<std::byte>{};
}

IoctlAnswer get_version(const IoctlCall& call) {
  return answer_of(static_cast<uint64_t>(call.inode.item().generation));
}

struct DefragArgument {
  ByteRange range{0, UINT64_MAX};
  uint8_t codec = compression_type::kNone;  // kNone: as the file's properties say
};

// Written anew with the codec wished for, and out of memory at once: the wish is not kept.
Status defragment(const IoctlCall& call, const DefragArgument& wish) {
  Inode& inode = call.inode;
  BF_TRY(call.mount.check_writable(inode));
  if (inode.is_dir()) return {};  // its tree is kept in shape all along
  if (!inode.is_regular()) return make_error(EINVAL, "defragmenting inode {}, no regular file", inode.ino());
  BF_TRY(inode.load_properties());
  WriterLock lock(inode.data_lock());
  inode.set_rewrite_codec(wish.codec);
  Status status = inode.data().rewrite(wish.range);
  if (status) status = inode.data().flush(wish.range, true);
  inode.set_rewrite_codec(compression_type::kNone);
  return status;
}

IoctlAnswer defrag(const IoctlCall& call) {
  BF_TRY(defragment(call, {}));
  return std::vector<std::byte>{};
}

IoctlAnswer defrag_range(const IoctlCall& call) {
  BF_ASSIGN(const btrfs_ioctl_defrag_range_args argument, argument_of<btrfs_ioctl_defrag_range_args>(call));
  if (argument.flags & ~uint64_t{BTRFS_DEFRAG_RANGE_COMPRESS | BTRFS_DEFRAG_RANGE_START_IO})
    return make_error(EOPNOTSUPP, "defragment flags {:#x}", uint64_t{argument.flags});
  DefragArgument wish;
  wish.range.start = round_down(argument.start, kSectorSize);
  if (argument.len < UINT64_MAX - argument.start) wish.range.end = argument.start + argument.len;
  if (argument.flags & BTRFS_DEFRAG_RANGE_COMPRESS) {
    if (argument.compress_type > compression_type::kZstd)
      return make_error(EINVAL, "no compression of type {}", uint32_t{argument.compress_type});
    wish.codec =
        argument.compress_type != 0 ? static_cast<uint8_t>(argument.compress_type) : compression_type::kZlib;
  }
  BF_TRY(defragment(call, wish));
  return std::vector<std::byte>{};
}

}  // namespace

IoctlHandler file_ioctl(uint32_t command) {
  switch (command) {
    case FS_IOC_GETFLAGS:
      return get_flags;
    case FS_IOC_SETFLAGS:
      return set_flags;
    case FS_IOC_FSGETXATTR:
      return get_xflags;
    case FS_IOC_FSSETXATTR:
      return set_xflags;
    case FS_IOC_GETVERSION:
      return get_version;
    case BTRFS_IOC_DEFRAG:
      return defrag;
    case BTRFS_IOC_DEFRAG_RANGE:
      return defrag_range;
    default:
      return nullptr;
  }
}

}  // namespace butterfuse
