// SPDX-License-Identifier: GPL-2.0-or-later
// Keys in the words of dump-tree.
#include "core/ondisk/key.h"

#include <fmt/format.h>

#include "core/ondisk/constants.h"

namespace butterfuse {

namespace {

std::string qgroup_id(uint64_t id) { return fmt::format("{}/{}", id >> 48, id & ((uint64_t{1} << 48) - 1)); }

std::string_view well_known_objectid(uint64_t objectid) {
  switch (objectid) {
    case objectid::kRootTree:
      return "ROOT_TREE";
    case objectid::kExtentTree:
      return "EXTENT_TREE";
    case objectid::kChunkTree:
      return "CHUNK_TREE";
    case objectid::kDevTree:
      return "DEV_TREE";
    case objectid::kFsTree:
      return "FS_TREE";
    case objectid::kRootTreeDir:
      return "ROOT_TREE_DIR";
    case objectid::kCsumTree:
      return "CSUM_TREE";
    case objectid::kQuotaTree:
      return "QUOTA_TREE";
    case objectid::kUuidTree:
      return "UUID_TREE";
    case objectid::kFreeSpaceTree:
      return "FREE_SPACE_TREE";
    case objectid::kBlockGroupTree:
      return "BLOCK_GROUP_TREE";
    case objectid::kBalance:
      return "BALANCE";
    case objectid::kOrphan:
      return "ORPHAN";
    case objectid::kTreeLog:
      return "TREE_LOG";
    case objectid::kTreeLogFixup:
      return "TREE_LOG_FIXUP";
    case objectid::kTreeReloc:
      return "TREE_RELOC";
    case objectid::kDataRelocTree:
      return "DATA_RELOC_TREE";
    case objectid::kExtentCsum:
      return "EXTENT_CSUM";
    case objectid::kFreeSpace:
      return "FREE_SPACE";
    case objectid::kFreeIno:
      return "FREE_INO";
    case objectid::kMultiple:
      return "MULTIPLE";
    case ~uint64_t{0}:
      return "-1";
    default:
      return {};
  }
}

std::string offset_name(const Key& key) {
  switch (key.type) {
    case key_type::kQgroupRelation:
    case key_type::kQgroupInfo:
    case key_type::kQgroupLimit:
      return qgroup_id(key.offset);
    case key_type::kUuidSubvol:
    case key_type::kUuidReceivedSubvol:
      return fmt::format("0x{:016x}", key.offset);
    case key_type::kRootItem:
      if (key.objectid == objectid::kTreeReloc) return objectid_name(key.offset, key.type);
      break;
    default:
      break;
  }
  return std::to_string(key.offset);
}

}  // namespace

std::string_view key_type_name(uint8_t type) {
  switch (type) {
    case 0:
      return "UNTYPED";
    case key_type::kInodeItem:
      return "INODE_ITEM";
    case key_type::kInodeRef:
      return "INODE_REF";
    case key_type::kInodeExtref:
      return "INODE_EXTREF";
    case key_type::kXattrItem:
      return "XATTR_ITEM";
    case key_type::kVerityDesc:
      return "VERITY_DESC_ITEM";
    case key_type::kVerityMerkle:
      return "VERITY_MERKLE_ITEM";
    case key_type::kOrphanItem:
      return "ORPHAN_ITEM";
    case key_type::kDirLogItem:
      return "DIR_LOG_ITEM";
    case key_type::kDirLogIndex:
      return "DIR_LOG_INDEX";
    case key_type::kDirItem:
      return "DIR_ITEM";
    case key_type::kDirIndex:
      return "DIR_INDEX";
    case key_type::kExtentData:
      return "EXTENT_DATA";
    case key_type::kExtentCsum:
      return "EXTENT_CSUM";
    case key_type::kRootItem:
      return "ROOT_ITEM";
    case key_type::kRootBackref:
      return "ROOT_BACKREF";
    case key_type::kRootRef:
      return "ROOT_REF";
    case key_type::kExtentItem:
      return "EXTENT_ITEM";
    case key_type::kMetadataItem:
      return "METADATA_ITEM";
    case key_type::kExtentOwnerRef:
      return "EXTENT_OWNER_REF";
    case key_type::kTreeBlockRef:
      return "TREE_BLOCK_REF";
    case key_type::kExtentDataRef:
      return "EXTENT_DATA_REF";
    case key_type::kSharedBlockRef:
      return "SHARED_BLOCK_REF";
    case key_type::kSharedDataRef:
      return "SHARED_DATA_REF";
    case key_type::kBlockGroupItem:
      return "BLOCK_GROUP_ITEM";
    case key_type::kFreeSpaceInfo:
      return "FREE_SPACE_INFO";
    case key_type::kFreeSpaceExtent:
      return "FREE_SPACE_EXTENT";
    case key_type::kFreeSpaceBitmap:
      return "FREE_SPACE_BITMAP";
    case key_type::kDevExtent:
      return "DEV_EXTENT";
    case key_type::kDevItem:
      return "DEV_ITEM";
    case key_type::kChunkItem:
      return "CHUNK_ITEM";
    case key_type::kRaidStripe:
      return "RAID_STRIPE";
    case key_type::kQgroupStatus:
      return "QGROUP_STATUS";
    case key_type::kQgroupInfo:
      return "QGROUP_INFO";
    case key_type::kQgroupLimit:
      return "QGROUP_LIMIT";
    case key_type::kQgroupRelation:
      return "QGROUP_RELATION";
    case key_type::kTemporaryItem:
      return "TEMPORARY_ITEM";
    case key_type::kPersistentItem:
      return "PERSISTENT_ITEM";
    case key_type::kDevReplace:
      return "DEV_REPLACE";
    case key_type::kUuidSubvol:
      return "UUID_KEY_SUBVOL";
    case key_type::kUuidReceivedSubvol:
      return "UUID_KEY_RECEIVED_SUBVOL";
    case key_type::kStringItem:
      return "STRING_ITEM";
    default:
      return "UNKNOWN";
  }
}

std::string tree_name(uint64_t id) {
  return id == objectid::kFsTree ? std::to_string(id) : objectid_name(id, key_type::kRootItem);
}

std::string objectid_name(uint64_t objectid, uint8_t type) {
  switch (type) {
    case key_type::kPersistentItem:
      if (objectid == objectid::kDevStats) return "DEV_STATS";
      return std::to_string(objectid);
    case key_type::kDevExtent:
      return std::to_string(objectid);  // a devid
    case key_type::kQgroupRelation:
      return qgroup_id(objectid);
    case key_type::kUuidSubvol:
    case key_type::kUuidReceivedSubvol:
      return fmt::format("0x{:016x}", objectid);
    case key_type::kDevItem:
      if (objectid == objectid::kDevItems) return "DEV_ITEMS";
      break;
    case key_type::kChunkItem:
      if (objectid == objectid::kFirstChunkTree) return "FIRST_CHUNK_TREE";
      break;
    default:
      break;
  }
  std::string_view name = well_known_objectid(objectid);
  return name.empty() ? std::to_string(objectid) : std::string(name);
}

std::string to_text(const Key& key) {
  std::string type(key_type_name(key.type));
  const bool is_untyped_item = key.objectid == objectid::kFreeSpace || key.objectid == objectid::kFreeIno;
  if (type == "UNKNOWN" || (key.type == 0 && !is_untyped_item)) type = fmt::format("UNKNOWN.{}", key.type);
  return fmt::format("({} {} {})", objectid_name(key.objectid, key.type), type, offset_name(key));
}

}  // namespace butterfuse
