// SPDX-License-Identifier: GPL-2.0-or-later
// tree_checker: a tree block's bytes are not trusted until they pass here.
#pragma once

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/ondisk/format.h"
#include "core/ondisk/tree_check_context.h"

namespace butterfuse {

// Checks one whole tree block (`block.size() == nodesize`), header sanity included, checksum excluded: level,
// nritems, key order, item bounds without overlap, and the content of every known item type. EUCLEAN with
// "corrupt leaf: root=R block=B slot=S KEY, REASON, have X want Y". Item types it does not know are opaque.
//
// What a reader may rely on afterwards, without more checks, at either depth:
// - INODE_ITEM, DEV_ITEM, DEV_EXTENT, BLOCK_GROUP_ITEM, FREE_SPACE_INFO, keyed backrefs:
//   exactly their struct;
// - ROOT_ITEM: DiskRootItem, or its first kRootItemV0Bytes (load<DiskRootItem> only when it is of full size);
// - INODE_REF, INODE_EXTREF, DIR_ITEM, DIR_INDEX, XATTR_ITEM: whole entries fill the item to its end,
//   at least one;
// - ROOT_REF, ROOT_BACKREF: the struct and its name fill the item;
// - DIR_LOG_ITEM, DIR_LOG_INDEX: exactly DiskDirLogItem; UUID items: a whole number of le64, at least one;
// - EXTENT_DATA: known type and compression; inline: DiskFileExtentInline and its data, uncompressed data is
//   ram_bytes long; else DiskFileExtent, and key.offset + num_bytes does not overflow;
// - EXTENT_ITEM, METADATA_ITEM: DiskExtentItem, DiskTreeBlockInfo for tree blocks of EXTENT_ITEM, then
//   whole inline refs;
// - CHUNK_ITEM: num_stripes >= 1 stripes fill the item; start + length does not overflow;
// - FREE_SPACE_BITMAP: one bit for each sector of key.offset, at most kFreeSpaceBitmapBytes; key ranges
//   do not overflow;
// - EXTENT_CSUM: a whole number of checksums.
Status check_tree_block(const TreeCheckContext& context, ByteSpan block);

// Checks a CHUNK_ITEM (also from sys_chunk_array): stripes, lengths, alignment, profile.
Status check_chunk_item(const TreeCheckContext& context, const Key& key, ByteSpan item);

// Which flags a superblock may have. A flag that nobody knows may mean anything of what is on disk.
enum class SuperFlags { known, any };

// Checks the fields of a superblock against each other (not its checksum).
Status check_super(const DiskSuper& super, SuperFlags flags = SuperFlags::known);

}  // namespace butterfuse
