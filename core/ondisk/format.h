// SPDX-License-Identifier: GPL-2.0-or-later
// The packed structs of the btrfs on-disk format. Fields are little-endian with typed access.
#pragma once

#include <cstdint>

#include "core/base/le.h"
#include "core/ondisk/constants.h"
#include "core/ondisk/key.h"

namespace butterfuse {

struct [[gnu::packed]] DiskHeader {
  uint8_t csum[32];  // of the rest of the block
  uint8_t fsid[16];  // metadata_uuid where that feature is on
  le64 bytenr;
  le64 flags;
  uint8_t chunk_tree_uuid[16];
  le64 generation;
  le64 owner;
  le32 nritems;
  uint8_t level;
};
static_assert(sizeof(DiskHeader) == 101);

struct [[gnu::packed]] DiskItem {  // leaf: behind the header
  DiskKey key;
  le32 offset;  // of the data, from the end of the header
  le32 size;
};
static_assert(sizeof(DiskItem) == 25);

struct [[gnu::packed]] DiskKeyPtr {  // node: behind the header
  DiskKey key;
  le64 blockptr;
  le64 generation;
};
static_assert(sizeof(DiskKeyPtr) == 33);

struct [[gnu::packed]] DiskTimespec {
  le64 sec;
  le32 nsec;
};

struct [[gnu::packed]] DiskInodeItem {
  le64 generation, transid, size, nbytes, block_group;
  le32 nlink, uid, gid, mode;
  le64 rdev, flags, sequence, reserved[4];
  DiskTimespec atime, ctime, mtime, otime;
};
static_assert(sizeof(DiskInodeItem) == 160);

struct [[gnu::packed]] DiskInodeRef {  // name follows
  le64 index;
  le16 name_len;
};
static_assert(sizeof(DiskInodeRef) == 10);

struct [[gnu::packed]] DiskInodeExtref {  // name follows
  le64 parent_objectid, index;
  le16 name_len;
};
static_assert(sizeof(DiskInodeExtref) == 18);

struct [[gnu::packed]] DiskDirItem {  // name, then data, follow; also of xattrs
  DiskKey location;
  le64 transid;
  le16 data_len, name_len;
  uint8_t type;
};
static_assert(sizeof(DiskDirItem) == 30);

struct [[gnu::packed]] DiskDirLogItem {  // of a log: of indexes from key.offset on it has all that there are,
  le64 last;                             // up to this one
};
static_assert(sizeof(DiskDirLogItem) == 8);

struct [[gnu::packed]] DiskFileExtentInline {  // the first 21 bytes of every EXTENT_DATA; inline data follows
  le64 generation, ram_bytes;
  uint8_t compression, encryption;
  le16 other_encoding;
  uint8_t type;
};
static_assert(sizeof(DiskFileExtentInline) == 21);

struct [[gnu::packed]] DiskFileExtent {
  le64 generation, ram_bytes;
  uint8_t compression, encryption;
  le16 other_encoding;
  uint8_t type;
  le64 disk_bytenr, disk_num_bytes, offset, num_bytes;
};
static_assert(sizeof(DiskFileExtent) == 53);

struct [[gnu::packed]] DiskRootItem {
  DiskInodeItem inode;
  le64 generation, root_dirid, bytenr, byte_limit, bytes_used, last_snapshot, flags;
  le32 refs;
  DiskKey drop_progress;
  uint8_t drop_level, level;
  // From here only when generation_v2 == generation.
  le64 generation_v2;
  uint8_t uuid[16], parent_uuid[16], received_uuid[16];
  le64 ctransid, otransid, stransid, rtransid;
  DiskTimespec ctime, otime, stime, rtime;
  le64 reserved[8];
};
static_assert(sizeof(DiskRootItem) == 439);
constexpr uint32_t kRootItemV0Bytes = 239;  // old images have root items that end after `level`

struct [[gnu::packed]] DiskRootRef {  // name follows
  le64 dirid, sequence;
  le16 name_len;
};
static_assert(sizeof(DiskRootRef) == 18);

struct [[gnu::packed]] DiskStripe {
  le64 devid, offset;
  uint8_t dev_uuid[16];
};
static_assert(sizeof(DiskStripe) == 32);

struct [[gnu::packed]] DiskChunk {  // num_stripes DiskStripe follow
  le64 length, owner, stripe_len, type;
  le32 io_align, io_width, sector_size;
  le16 num_stripes, sub_stripes;
};
static_assert(sizeof(DiskChunk) == 48);

struct [[gnu::packed]] DiskDevItem {
  le64 devid, total_bytes, bytes_used;
  le32 io_align, io_width, sector_size;
  le64 type, generation, start_offset;
  le32 dev_group;
  uint8_t seek_speed, bandwidth;
  uint8_t uuid[16], fsid[16];
};
static_assert(sizeof(DiskDevItem) == 98);

struct [[gnu::packed]] DiskDevExtent {
  le64 chunk_tree, chunk_objectid, chunk_offset, length;
  uint8_t chunk_tree_uuid[16];
};
static_assert(sizeof(DiskDevExtent) == 48);

struct [[gnu::packed]] DiskDevStats {  // of a PERSISTENT_ITEM under objectid DEV_STATS
  le64 write_errs, read_errs, flush_errs, corruption_errs, generation_errs;
};
static_assert(sizeof(DiskDevStats) == 40);

struct [[gnu::packed]] DiskBlockGroupItem {
  le64 used, chunk_objectid, flags;
};
static_assert(sizeof(DiskBlockGroupItem) == 24);

struct [[gnu::packed]] DiskExtentItem {
  le64 refs, generation, flags;
};
static_assert(sizeof(DiskExtentItem) == 24);

struct [[gnu::packed]] DiskTreeBlockInfo {  // behind a non-skinny tree block's DiskExtentItem
  DiskKey key;
  uint8_t level;
};
static_assert(sizeof(DiskTreeBlockInfo) == 18);

struct [[gnu::packed]] DiskExtentInlineRef {  // for EXTENT_DATA_REF the DiskExtentDataRef starts at `offset`
  uint8_t type;
  le64 offset;
};
static_assert(sizeof(DiskExtentInlineRef) == 9);

struct [[gnu::packed]] DiskExtentDataRef {
  le64 root, objectid, offset;
  le32 count;
};
static_assert(sizeof(DiskExtentDataRef) == 28);

struct [[gnu::packed]] DiskSharedDataRef {
  le32 count;
};

struct [[gnu::packed]] DiskFreeSpaceInfo {
  le32 extent_count, flags;
};
static_assert(sizeof(DiskFreeSpaceInfo) == 8);

// Of the space cache (version 1): the item, and what its inode's content is made of.
struct [[gnu::packed]] DiskFreeSpaceHeader {
  DiskKey location;
  le64 generation, num_entries, num_bitmaps;
};
static_assert(sizeof(DiskFreeSpaceHeader) == 41);

struct [[gnu::packed]] DiskFreeSpaceEntry {
  le64 offset, bytes;
  uint8_t type;
};
static_assert(sizeof(DiskFreeSpaceEntry) == 17);

struct [[gnu::packed]] DiskRootBackup {
  le64 tree_root, tree_root_gen, chunk_root, chunk_root_gen, extent_root, extent_root_gen, fs_root,
      fs_root_gen, dev_root, dev_root_gen, csum_root, csum_root_gen, total_bytes, bytes_used, num_devices,
      unused_64[4];
  uint8_t tree_root_level, chunk_root_level, extent_root_level, fs_root_level, dev_root_level,
      csum_root_level, unused_8[10];
};
static_assert(sizeof(DiskRootBackup) == 168);

constexpr uint32_t kSysChunkArrayBytes = 2048;
constexpr int kRootBackups = 4;

struct [[gnu::packed]] DiskSuper {
  uint8_t csum[32];  // of bytes 32..4095
  uint8_t fsid[16];
  le64 bytenr, flags, magic, generation, root, chunk_root, log_root, log_root_transid_unused, total_bytes,
      bytes_used, root_dir_objectid, num_devices;
  le32 sectorsize, nodesize, leafsize_unused, stripesize, sys_chunk_array_size;
  le64 chunk_root_generation, compat_flags, compat_ro_flags, incompat_flags;
  le16 csum_type;
  uint8_t root_level, chunk_root_level, log_root_level;
  DiskDevItem dev_item;
  char label[256];
  le64 cache_generation, uuid_tree_generation;
  uint8_t metadata_uuid[16];
  le64 nr_global_roots;
  le64 reserved[27];
  uint8_t sys_chunk_array[kSysChunkArrayBytes];
  DiskRootBackup super_roots[kRootBackups];
  uint8_t padding[565];
};
static_assert(sizeof(DiskSuper) == 4096);

}  // namespace butterfuse
