// SPDX-License-Identifier: GPL-2.0-or-later
// InodeItem: decoding, encoding, and the INODE_ITEM of a subvolume tree.
// The native form has all fields of the item but block_group and the reserved ones, which are written
// as zero.
#include "core/items/inode_item.h"

#include <algorithm>

namespace butterfuse {
namespace {

Timespec decode_time(const DiskTimespec& disk) {
  return {static_cast<int64_t>(uint64_t{disk.sec}), disk.nsec};
}

DiskTimespec encode_time(const Timespec& time) {
  DiskTimespec disk{};
  disk.sec = static_cast<uint64_t>(time.sec);
  disk.nsec = time.nsec;
  return disk;
}

constexpr Key inode_key(uint64_t ino) { return {ino, key_type::kInodeItem, 0}; }

}  // namespace

InodeItem InodeItem::decode(const DiskInodeItem& disk) {
  InodeItem item;
  item.generation = disk.generation;
  item.transid = disk.transid;
  item.size = disk.size;
  item.nbytes = disk.nbytes;
  item.nlink = disk.nlink;
  item.uid = disk.uid;
  item.gid = disk.gid;
  item.mode = disk.mode;
  item.rdev = disk.rdev;
  item.flags = disk.flags;
  item.sequence = disk.sequence;
  item.atime = decode_time(disk.atime);
  item.ctime = decode_time(disk.ctime);
  item.mtime = decode_time(disk.mtime);
  item.otime = decode_time(disk.otime);
  return item;
}

DiskInodeItem InodeItem::encode() const {
  DiskInodeItem disk{};
  disk.generation = generation;
  disk.transid = transid;
  disk.size = size;
  disk.nbytes = nbytes;
  disk.nlink = nlink;
  disk.uid = uid;
  disk.gid = gid;
  disk.mode = mode;
  disk.rdev = rdev;
  disk.flags = flags;
  disk.sequence = sequence;
  disk.atime = encode_time(atime);
  disk.ctime = encode_time(ctime);
  disk.mtime = encode_time(mtime);
  disk.otime = encode_time(otime);
  return disk;
}

Result<InodeItem> read_inode_item(Tree& tree, uint64_t ino) {
  ReadCursor cursor(tree);
  BF_ASSIGN(bool found, cursor.seek(inode_key(ino)));
  if (!found) return make_error(ENOENT, "root {}: no inode {}", tree.id(), ino);
  if (cursor.data().size() < sizeof(DiskInodeItem))
    return make_error(EUCLEAN, "root {} inode {}: INODE_ITEM of {} bytes", tree.id(), ino,
                      cursor.data().size());
  return InodeItem::decode(cursor.as<DiskInodeItem>());
}

Status write_inode_item(Tree& tree, CowContext& context, uint64_t ino, const InodeItem& item) {
  const DiskInodeItem disk = item.encode();
  WriteCursor cursor(tree, context);
  // An inode of this transaction is most likely new: inserting at once saves a descent on create.
  if (item.generation == context.transid()) {
    Status inserted = cursor.insert(inode_key(ino), object_bytes(disk));
    if (inserted || inserted.error().code != EEXIST) return inserted;
  } else {
    BF_ASSIGN(bool found, cursor.seek(inode_key(ino)));
    if (!found) return cursor.insert(inode_key(ino), object_bytes(disk));
  }
  // A damaged item may be too short; it is written whole.
  if (cursor.data().size() < sizeof(DiskInodeItem)) BF_TRY(cursor.resize(sizeof(DiskInodeItem)));
  return cursor.replace(disk);
}

Status remove_inode_item(Tree& tree, CowContext& context, uint64_t ino) {
  WriteCursor cursor(tree, context);
  BF_ASSIGN(bool found, cursor.seek(inode_key(ino)));
  if (!found) return make_error(ENOENT, "root {}: no inode {} to remove", tree.id(), ino);
  return cursor.remove();
}

Result<uint64_t> highest_ino(Tree& tree) {
  ReadCursor cursor(tree);
  // Of any item, not only of inode items: a new inode must not take over what is left of a damaged one.
  BF_ASSIGN(bool found, cursor.seek_at_or_before({objectid::kLastFree, 255, kMaxKey.offset}));
  if (!found) return objectid::kFirstFree - 1;
  return std::max(cursor.key().objectid, objectid::kFirstFree - 1);
}

}  // namespace butterfuse
