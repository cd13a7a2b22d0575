// Gathers and judges the items of one subvolume: names, link counts, sizes, extents and their checksums.
#include "core/check/subvolume_records.h"

#include <sys/stat.h>

#include "core/base/shown_name.h"
#include "core/ondisk/entry_type.h"
#include "core/ondisk/item_checks.h"

namespace butterfuse::check {

namespace {

void add_inode(InodeRecord& inode, const DiskInodeItem& item) {
  inode.has_item = true;
  inode.item = {item.size, item.nbytes, item.flags, item.mode, item.nlink};
}

}  // namespace

void SubvolumeRecords::add(const Key& key, ByteSpan data) {
  switch (key.type) {
    case key_type::kInodeItem:
      return add_inode(inodes_[key.objectid], load<DiskInodeItem>(data));
    case key_type::kInodeRef:
      return add_refs(key, data);
    case key_type::kInodeExtref:
      return add_extrefs(key, data);
    case key_type::kDirItem:
    case key_type::kDirIndex:
      return add_dir_entries(key, data);
    case key_type::kExtentData:
      return add_extent(key, data);
    case key_type::kOrphanItem:
      if (key.objectid == objectid::kOrphan) inodes_[key.offset].orphan = true;
      break;
    default:
      if (!is_fs_tree_item(key)) error("{}: no item of a file tree", to_text(key));
      break;
  }
}

LinkRecord& SubvolumeRecords::link(uint64_t dir, std::string_view name) {
  std::string id(reinterpret_cast<const char*>(&dir), sizeof(dir));
  id.append(name);
  return links_[id];
}

void SubvolumeRecords::add_dir_entries(const Key& key, ByteSpan data) {
  while (data.size() >= sizeof(DiskDirItem)) {
    const auto entry = load<DiskDirItem>(data);
    const size_t size = sizeof(DiskDirItem) + entry.name_len + entry.data_len;
    if (data.size() < size) return error("{}: an entry runs over its item", to_text(key));
    const std::string_view name = as_text(data.subspan(sizeof(DiskDirItem), entry.name_len));
    LinkRecord& record = link(key.objectid, name);
    const bool seen = record.in_item || record.in_index;
    if (seen && (record.location != Key(entry.location) || record.type != entry.type)) {
      error("directory {} entry '{}': DIR_ITEM and DIR_INDEX do not agree", key.objectid, shown_name(name));
    }
    record.location = entry.location;
    record.type = entry.type;
    if (key.type == key_type::kDirItem ? record.in_item : record.in_index)
      error("directory {} entry '{}': is there twice", key.objectid, shown_name(name));
    if (key.type == key_type::kDirItem) {
      if (key.offset != name_hash(name))
        error("directory {} entry '{}': its hash is not {}", key.objectid, shown_name(name), key.offset);
      record.in_item = true;
    } else {
      if (record.in_ref && record.index != key.offset) {
        error("directory {} entry '{}': index {} but the back reference says {}", key.objectid, shown_name(name),
              key.offset, record.index);
      }
      record.in_index = true;
      record.index = key.offset;
    }
    inodes_[key.objectid].dir_bytes += entry.name_len;
    inodes_[key.objectid].has_entries = true;
    data = data.subspan(size);
  }
}

void SubvolumeRecords::add_ref(uint64_t ino, uint64_t parent, uint64_t index, std::string_view name) {
  inodes_[ino].refs += 1;
  if (ino == parent && name == "..") return;  // the subvolume's top directory
  LinkRecord& record = link(parent, name);
  if (record.in_index && record.index != index) {
    error("directory {} entry '{}': index {} but the back reference says {}", parent, shown_name(name), record.index,
          index);
  }
  if ((record.in_index || record.in_item) && record.location.objectid != ino) {
    error("directory {} entry '{}': names inode {}, but inode {} has a reference to it", parent, shown_name(name),
          record.location.objectid, ino);
  }
  if (!record.in_index && !record.in_item) record.location = {ino, key_type::kInodeItem, 0};
  record.index = index;
  record.in_ref = true;
}

void SubvolumeRecords::add_refs(const Key& key, ByteSpan data) {
  while (data.size() >= sizeof(DiskInodeRef)) {
    const auto ref = load<DiskInodeRef>(data);
    if (data.size() < sizeof(DiskInodeRef) + ref.name_len)
      return error("{}: a name runs over its item", to_text(key));
    add_ref(key.objectid, key.offset, ref.index, as_text(data.subspan(sizeof(DiskInodeRef), ref.name_len)));
    data = data.subspan(sizeof(DiskInodeRef) + ref.name_len);
  }
}

void SubvolumeRecords::add_extrefs(const Key& key, ByteSpan data) {
  while (data.size() >= sizeof(DiskInodeExtref)) {
    const auto ref = load<DiskInodeExtref>(data);
    if (data.size() < sizeof(DiskInodeExtref) + ref.name_len)
      return error("{}: a name runs over its item", to_text(key));
    add_ref(key.objectid, ref.parent_objectid, ref.index,
            as_text(data.subspan(sizeof(DiskInodeExtref), ref.name_len)));
    data = data.subspan(sizeof(DiskInodeExtref) + ref.name_len);
  }
}

void SubvolumeRecords::add_extent(const Key& key, ByteSpan data) {
  InodeRecord& inode = inodes_[key.objectid];
  if (key.offset < inode.extent_end) {
    error("inode {}: extent at {} overlaps the one that ends at {}", key.objectid, key.offset,
          inode.extent_end);
  }
  inode.has_extents = true;
  if (key.offset > inode.extent_end) inode.first_gap = std::min(inode.first_gap, inode.extent_end);
  const auto head = load<DiskFileExtentInline>(data);
  if (head.generation > state_.volume.super().generation)
    error("inode {}: extent at {} is of generation {}, the file system of {}", key.objectid, key.offset,
          uint64_t{head.generation}, uint64_t{state_.volume.super().generation});
  if (head.type == file_extent_type::kInline) {
    inode.extent_bytes += head.ram_bytes;
    inode.extent_end = round_up(key.offset + head.ram_bytes, state_.volume.sectorsize());
    return;
  }
  const auto extent = load<DiskFileExtent>(data);
  inode.extent_end = key.offset + extent.num_bytes;
  if (extent.disk_bytenr == 0) return;
  inode.extent_bytes += extent.num_bytes;
  if (head.type == file_extent_type::kRegular) check_summed(key, extent);
}

// Data with a checksum flag has a checksum for every sector it uses.
void SubvolumeRecords::check_summed(const Key& key, const DiskFileExtent& extent) {
  auto inode = inodes_.find(key.objectid);
  if (root_id_ == objectid::kDataRelocTree || inode == inodes_.end() || !inode->second.has_item) return;
  ByteRange range = ByteRange::at(extent.disk_bytenr + extent.offset, extent.num_bytes);
  if (extent.compression) range = ByteRange::at(extent.disk_bytenr, extent.disk_num_bytes);
  const auto& summed = state_.summed;
  const bool may_lack = inode->second.item.flags & inode_flag::kNoDataSum;
  inode->second.has_unsummed_compressed |= may_lack && extent.compression;
  if (may_lack && !extent.compression) {
    const auto first = std::upper_bound(summed.begin(), summed.end(), range.start,
                                        [](uint64_t start, const ByteRange& one) { return start < one.end; });
    inode->second.has_csums |= first != summed.end() && first->start < range.end;
    return;
  }
  auto behind = std::upper_bound(summed.begin(), summed.end(), range.start,
                                 [](uint64_t start, const ByteRange& one) { return start < one.start; });
  if (behind == summed.begin() || !std::prev(behind)->contains(range)) {
    error("inode {} extent at {}: data [{}, {}) lacks checksums", key.objectid, key.offset, range.start,
          range.end);
  }
}

void SubvolumeRecords::judge() {
  for (const auto& [ino, inode] : inodes_) judge_inode(ino, inode);
  for (const auto& [name, link] : links_) judge_link(name, link);
}

void SubvolumeRecords::judge_inode(uint64_t ino, const InodeRecord& inode) {
  if (!inode.has_item) {
    if (!inode.orphan || inode.refs || inode.extent_end) error("inode {}: has no inode item", ino);
    return;
  }
  state_.summary.inodes += 1;
  // Bits 0 to 11 are chattr's, the high half is for read-only compatible features, kRootItemInit is for root
  // items.
  constexpr uint64_t kUnknownFlags = 0xffffffff & ~uint64_t{0xfff};
  if (inode.item.flags & kUnknownFlags)
    error("inode {}: unknown flags {:#x}", ino, inode.item.flags);
  if (S_ISLNK(inode.item.mode) && (inode.item.flags & (inode_flag::kImmutable | inode_flag::kAppend))) {
    error("inode {}: a symlink with flags {:#x}", ino, inode.item.flags);
  }
  constexpr uint32_t kModeBits = S_IFMT | 07777;
  if (inode.item.mode & ~kModeBits)
    error("inode {}: mode {:o} has bits above the 16 of a mode", ino, inode.item.mode);
  const bool is_dir = S_ISDIR(inode.item.mode);
  if (inode.item.nlink == 0 && !inode.orphan && ino != objectid::kFreeIno) {
    error("inode {}: no links and no orphan item", ino);
  }
  const uint64_t wanted_links = is_dir && inode.refs ? 1 : inode.refs;
  if (inode.item.nlink != wanted_links && !inode.orphan) {
    error("inode {}: link count {} but {} references", ino, inode.item.nlink, inode.refs);
  }
  if (is_dir && inode.refs > 1) error("directory {}: has {} names", ino, inode.refs);
  if (is_dir && inode.item.size != inode.dir_bytes && !inode.is_removed()) {
    error("directory {}: size {} but its names take {}", ino, inode.item.size, inode.dir_bytes);
  }
  if (!is_dir && !inode.orphan && inode.item.nbytes != inode.extent_bytes) {
    error("inode {}: nbytes {} but its extents have {}", ino, inode.item.nbytes,
          inode.extent_bytes);
  }
  if (is_dir && inode.has_extents) error("directory {}: has file extents", ino);
  if (!is_dir && inode.has_entries)
    error("inode {}: has directory entries with mode {:o}", ino, inode.item.mode);
  // Of what can't be decompressed nobody could tell whether it was right.
  if (inode.has_unsummed_compressed)
    error("inode {}: has no checksums by its flags {:#x}, but compressed extents", ino,
          inode.item.flags);
  if (inode.has_csums) error("inode {}: has no checksums by its flags, but its data has some", ino);
  // Behind the size nothing needs an item.
  const uint64_t gap_at = std::min(inode.first_gap, inode.extent_end);
  const bool gap = S_ISREG(inode.item.mode) && gap_at < inode.item.size;
  if (gap && !state_.has_incompat(incompat::kNoHoles) && inode.item.nlink) {
    error("inode {}: a hole without an extent item, but no-holes is off", ino);
  }
}

void SubvolumeRecords::judge_link(const std::string& id, const LinkRecord& link) {
  const auto dir = load<uint64_t>(as_bytes(id));
  const std::string_view name = std::string_view(id).substr(sizeof(dir));
  const auto parent = inodes_.find(dir);
  if (parent != inodes_.end() && parent->second.is_removed() && !link.in_ref) return;
  if (!link.in_item || !link.in_index) {
    error("directory {} entry '{}': {}", dir, shown_name(name),
          link.in_item    ? "no DIR_INDEX"
          : link.in_index ? "no DIR_ITEM"
                          : "no entry, only a back reference");
  }
  if (link.location.type == key_type::kRootItem) {  // a subvolume: its reference is a ROOT_BACKREF
    state_.subvolume_names.insert({root_id_, link.location.objectid, dir, link.index, std::string(name)});
    return;
  }
  if (!link.in_ref)
    error("directory {} entry '{}': inode {} has no reference to it", dir, shown_name(name), link.location.objectid);
  auto child = inodes_.find(link.location.objectid);
  if (child == inodes_.end() || !child->second.has_item) {
    return error("directory {} entry '{}': inode {} does not exist", dir, shown_name(name), link.location.objectid);
  }
  if ((link.in_item || link.in_index) && link.type != entry_type_of_mode(child->second.item.mode)) {
    error("directory {} entry '{}': type {} but inode {} has mode {:o}", dir, shown_name(name), link.type,
          link.location.objectid, child->second.item.mode);
  }
}

}  // namespace butterfuse::check
