// SPDX-License-Identifier: GPL-2.0-or-later
// ioctls of subvolumes: who one is, and where an inode lies in it.
#include <linux/btrfs.h>

#include <cstring>

#include "core/items/dir_item.h"
#include "core/items/root_ref.h"
#include "fs/control/ioctl.h"

namespace butterfuse {
namespace {

// Of a path, in names: more than fit the answer's 4 KiB. A damaged tree may have its directories in a ring.
constexpr int kDepthMax = 4096;

Status require_root_dir(const IoctlCall& call) {
  if (call.inode.ino() == call.inode.subvolume().root_dirid) return {};
  return make_error(EINVAL, "inode {} is no subvolume's root", call.inode.ino());
}

void copy_text(char* to, size_t size, std::string_view text) {
  std::memset(to, 0, size);
  std::memcpy(to, text.data(), std::min(text.size(), size - 1));
}

// "a/b/" for directory b in a; "" for the subvolume's root.
Result<std::string> path_in_subvolume(Subvolume& subvolume, uint64_t ino) {
  std::string path;
  for (int depth = 0; ino != subvolume.root_dirid; ++depth) {
    BF_ASSIGN(const auto refs, list_inode_refs(*subvolume.tree, ino));
    if (refs.empty()) return make_error(ENOENT, "inode {} has no name", ino);
    if (depth == kDepthMax || path.size() > BTRFS_INO_LOOKUP_PATH_MAX)
      return make_error(ENAMETOOLONG, "the path of inode {} is too long", ino);
    path = refs.front().name + "/" + path;
    ino = refs.front().parent_ino;
  }
  return path;
}

IoctlAnswer ino_lookup(const IoctlCall& call) {
  BF_ASSIGN(auto lookup, argument_of<btrfs_ioctl_ino_lookup_args>(call));
  if (lookup.treeid == 0) lookup.treeid = call.inode.key().root_id;
  lookup.name[0] = '\0';
  if (lookup.objectid == objectid::kFirstFree) return answer_of(lookup);
  BF_TRY(require_admin(call));  // it is told names he might not get to see
  BF_ASSIGN(Subvolume * subvolume, call.mount.subvolume(lookup.treeid));
  BF_ASSIGN(const std::string path, path_in_subvolume(*subvolume, lookup.objectid));
  if (path.size() >= sizeof(lookup.name)) return make_error(ENAMETOOLONG, "path of {} bytes", path.size());
  copy_text(lookup.name, sizeof(lookup.name), path);
  return answer_of(lookup);
}

btrfs_ioctl_timespec time_of(const DiskTimespec& disk) {
  btrfs_ioctl_timespec time{};
  time.sec = disk.sec;
  time.nsec = disk.nsec;
  return time;
}

IoctlAnswer subvol_info(const IoctlCall& call) {
  const uint64_t root_id = call.inode.key().root_id;
  BF_ASSIGN(const DiskRootItem item, call.mount.filesystem().root_item(root_id));
  BF_ASSIGN(const auto links, list_subvolumes(call.mount.filesystem()));
  btrfs_ioctl_get_subvol_info_args info{};
  info.treeid = root_id;
  for (const SubvolumeLink& link : links) {
    if (link.root_id != root_id) continue;
    copy_text(info.name, sizeof(info.name), link.name);
    info.parent_id = link.parent_root_id;
    info.dirid = link.dir_ino;
  }
  info.generation = item.generation;
  info.flags = item.flags;
  std::memcpy(info.uuid, item.uuid, sizeof(info.uuid));
  std::memcpy(info.parent_uuid, item.parent_uuid, sizeof(info.parent_uuid));
  std::memcpy(info.received_uuid, item.received_uuid, sizeof(info.received_uuid));
  info.ctransid = item.ctransid;
  info.otransid = item.otransid;
  info.stransid = item.stransid;
  info.rtransid = item.rtransid;
  info.ctime = time_of(item.ctime);
  info.otime = time_of(item.otime);
  info.stime = time_of(item.stime);
  info.rtime = time_of(item.rtime);
  return answer_of(info);
}

IoctlAnswer subvol_getflags(const IoctlCall& call) {
  BF_TRY(require_root_dir(call));
  return answer_of(uint64_t{call.inode.subvolume().read_only ? BTRFS_SUBVOL_RDONLY : 0});
}

using enum IoctlRight;
using enum IoctlEffect;
using enum IoctlLength;
constexpr IoctlCommand kCommands[] = {
    // Asking for the subvolume only is everybody's.
    {BTRFS_IOC_INO_LOOKUP, ino_lookup, handler_decides, reads, brief},
    {BTRFS_IOC_GET_SUBVOL_INFO, subvol_info, none, reads, brief},
    {BTRFS_IOC_SUBVOL_GETFLAGS, subvol_getflags, none, reads, brief},
};

}  // namespace

std::span<const IoctlCommand> subvolume_ioctls() { return kCommands; }

}  // namespace butterfuse
