// SPDX-License-Identifier: GPL-2.0-or-later
// ioctls of one file: its flags, its generation, and writing it anew.
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/fsverity.h>

#include <algorithm>

#include "fs/control/inode_flags.h"
#include "fs/control/ioctl.h"
#include "fs/data/defragment.h"
#include "fs/inode/guards.h"

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

// Who gets the inode's number after it has another generation.
IoctlAnswer get_version(const IoctlCall& call) {
  return answer_of(static_cast<uint64_t>(call.inode.item().generation));
}

Status defragment(const IoctlCall& call, DefragWish wish) {
  if (call.inode.is_dir()) return require_admin(call);  // its tree is kept in shape all along
  // The content stays what it is: as the kernel sees it, an administrator need not be able to write it.
  if (call.inode.item().flags & (inode_flag::kImmutable | inode_flag::kReadonly))
    wish.whatever_flags = call.credentials().may_administer();
  return defragment(call.mount, call.inode, wish, call.cancelled);
}

IoctlAnswer defrag(const IoctlCall& call) {
  BF_TRY(defragment(call, {}));
  return std::vector<std::byte>{};
}

IoctlAnswer defrag_range(const IoctlCall& call) {
  BF_ASSIGN(const btrfs_ioctl_defrag_range_args argument, argument_of<btrfs_ioctl_defrag_range_args>(call));
  if (argument.flags & ~uint64_t{BTRFS_DEFRAG_RANGE_COMPRESS | BTRFS_DEFRAG_RANGE_START_IO})
    return make_error(EOPNOTSUPP, "defragment flags {:#x}", uint64_t{argument.flags});
  DefragWish wish;
  wish.range.start = round_down(argument.start, kSectorSize);
  // Else to the end: a length of ~0 means that.
  if (argument.len < UINT64_MAX - argument.start) wish.range.end = argument.start + argument.len;
  if (argument.flags & BTRFS_DEFRAG_RANGE_COMPRESS) {
    if (argument.compress_type > compression_type::kZstd)
      return make_error(EINVAL, "no compression of type {}", uint32_t{argument.compress_type});
    // 0 names none: zlib, as in btrfs.
    wish.codec =
        argument.compress_type != 0 ? static_cast<uint8_t>(argument.compress_type) : compression_type::kZlib;
  }
  if (argument.extent_thresh != 0) wish.long_enough_bytes = argument.extent_thresh;
  BF_TRY(defragment(call, wish));
  return std::vector<std::byte>{};
}

// struct fsverity_digest; the digest follows.
struct VerityDigestHead {
  uint16_t digest_algorithm, digest_size;
};
static_assert(sizeof(VerityDigestHead) == sizeof(fsverity_digest));

// The digest of a file that is sealed, in as much room as the caller has.
IoctlAnswer measure_verity(const IoctlCall& call) {
  BF_ASSIGN(VerityDigestHead head, argument_of<VerityDigestHead>(call));
  BF_ASSIGN(const VerityFile* const sealed, call.inode.verity());
  if (sealed == nullptr) return make_error(ENODATA, "inode {} is not sealed by fs-verity", call.inode.ino());
  const size_t bytes = digest_size(sealed->descriptor().hash);
  if (head.digest_size < bytes)
    return make_error(EOVERFLOW, "room for {} bytes of a digest of {}", head.digest_size, bytes);
  head.digest_algorithm = static_cast<uint16_t>(sealed->descriptor().hash);
  head.digest_size = static_cast<uint16_t>(bytes);
  std::vector<std::byte> answer = answer_of(head);
  const ByteSpan digest = ByteSpan(sealed->descriptor().file_digest).first(bytes);
  answer.insert(answer.end(), digest.begin(), digest.end());
  return answer;
}

IoctlAnswer enable_verity(const IoctlCall&) {
  return make_error(EOPNOTSUPP, "files sealed by fs-verity are read, not made");
}

using enum IoctlRight;
using enum IoctlEffect;
using enum IoctlLength;
constexpr IoctlCommand kCommands[] = {
    {FS_IOC_GETFLAGS, get_flags, none, reads, brief},
    {FS_IOC_SETFLAGS, set_flags, owner, changes_file, brief},
    {FS_IOC_FSGETXATTR, get_xflags, none, reads, brief},
    {FS_IOC_FSSETXATTR, set_xflags, owner, changes_file, brief},
    {FS_IOC_GETVERSION, get_version, none, reads, brief},
    {FS_IOC_MEASURE_VERITY, measure_verity, none, reads, brief},
    {FS_IOC_ENABLE_VERITY, enable_verity, write_file, changes_file, brief},
    {BTRFS_IOC_DEFRAG, defrag, write_file, changes_file, lasts},
    {BTRFS_IOC_DEFRAG_RANGE, defrag_range, write_file, changes_file, lasts},
};

}  // namespace

std::span<const IoctlCommand> file_ioctls() { return kCommands; }

}  // namespace butterfuse
