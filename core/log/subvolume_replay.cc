// SPDX-License-Identifier: GPL-2.0-or-later
// The stages, inodes and their attributes.
// Each stage is one walk over the whole log. Items of one inode are together, but what they need of other
// inodes is not: before a name is made all inodes are there, and before an entry is judged all that goes
// is gone.
#include "core/log/subvolume_replay.h"

#include <sys/stat.h>

#include "core/items/file_extent.h"
#include "core/items/xattr_item.h"
#include "core/ondisk/named_entries.h"

namespace butterfuse {
namespace {

constexpr Key kFirstInodeKey{objectid::kFirstFree, 0, 0};
constexpr Key kInodesEnd{objectid::kLastFree, 255, ~uint64_t{0}};

}  // namespace

Status SubvolumeReplay::run() {
  BF_TRY(replay_inodes());
  BF_TRY(replay_entries());
  BF_TRY(replay_contents());
  return settle_links();
}

Status SubvolumeReplay::replay_inodes() {
  return for_each_log_item(log_, kFirstInodeKey, kInodesEnd, [&](const LogItem& item) -> Status {
    if (item.key.type != key_type::kInodeItem) return {};
    const InodeItem logged = InodeItem::decode(load<DiskInodeItem>(item.bytes));
    if (logged.nlink == 0) return skipped_.insert(item.key.objectid), Status{};
    return replay_inode(item.key.objectid, logged);
  });
}

Status SubvolumeReplay::replay_entries() {
  return for_each_log_item(log_, kFirstInodeKey, kInodesEnd, [&](const LogItem& item) -> Status {
    if (item.key.type != key_type::kDirIndex || skipped_.contains(item.key.objectid)) return {};
    return replay_entry(item);
  });
}

Status SubvolumeReplay::replay_contents() {
  uint64_t ino_with_refs = 0;  // whose references are done, all in one go
  return for_each_log_item(log_, kFirstInodeKey, kInodesEnd, [&](const LogItem& item) -> Status {
    if (skipped_.contains(item.key.objectid)) return {};
    switch (item.key.type) {
      case key_type::kInodeRef:
      case key_type::kInodeExtref:
        if (std::exchange(ino_with_refs, item.key.objectid) == item.key.objectid) return {};
        return replay_refs(item.key.objectid);
      case key_type::kXattrItem:
        return replay_xattrs(item);
      case key_type::kExtentData:
        return replay_extent(item);
      default:
        return {};
    }
  });
}

Result<std::optional<InodeItem>> SubvolumeReplay::find_inode(uint64_t ino) {
  auto found = read_inode_item(tree_, ino);
  if (found) return std::optional(*found);
  if (found.error().code == ENOENT) return std::optional<InodeItem>();
  return tl::unexpected(std::move(found).error());
}

Status SubvolumeReplay::replay_inode(uint64_t ino, const InodeItem& logged) {
  BF_ASSIGN(const auto old, find_inode(ino));
  if (old && (old->mode & S_IFMT) != (logged.mode & S_IFMT))
    return make_error(EUCLEAN, "inode {} has mode 0{:o} in the log, 0{:o} in the subvolume", ino, logged.mode,
                      old->mode);
  if (old) BF_TRY(remove_absent_xattrs(ino));
  if (old && S_ISDIR(logged.mode)) BF_TRY(remove_absent_names(ino));
  BF_TRY(merge_inode(ino, logged, old));
  if (S_ISREG(logged.mode)) BF_TRY(drop_behind_size(ino));
  relinked_.insert(ino);
  return {};
}

// nbytes and the size of directories follow what the replay does; the log's numbers mean nothing. Generation
// 0 is of an inode that was logged only because others need it to exist: its attributes are not new.
Status SubvolumeReplay::merge_inode(uint64_t ino, const InodeItem& logged,
                                    const std::optional<InodeItem>& old) {
  InodeItem item = logged;
  item.nbytes = old ? old->nbytes : 0;
  if (S_ISDIR(logged.mode)) item.size = old ? old->size : 0;
  if (old && logged.generation == 0) {
    item = *old;
    if (S_ISREG(logged.mode) && logged.size != 0) item.size = logged.size;
  }
  if (item.generation == 0) item.generation = handle_.transid();
  return write_inode_item(tree_, handle_, ino, item);
}

Status SubvolumeReplay::drop_behind_size(uint64_t ino) {
  BF_ASSIGN(InodeItem item, read_inode_item(tree_, ino));
  const uint64_t sectorsize = handle_.filesystem().sectorsize();
  if (item.size > uint64_t{INT64_MAX})
    return make_error(EUCLEAN, "inode {} has size {} in the log", ino, item.size);
  const ByteRange behind{round_up(item.size, sectorsize), ~uint64_t{0}};
  BF_ASSIGN(const uint64_t dropped, drop_file_extents(tree_, handle_, ino, behind));
  if (dropped == 0) return {};
  item.nbytes -= dropped;
  return write_inode_item(tree_, handle_, ino, item);
}

Result<bool> SubvolumeReplay::log_has_xattr(const Key& key, std::string_view name) {
  BF_ASSIGN(const auto bucket, lookup_item(log_, key));
  if (!bucket) return false;
  BF_ASSIGN(const auto entry, find_name_entry(*bucket, name));
  return entry.has_value();
}

Status SubvolumeReplay::remove_absent_xattrs(uint64_t ino) {
  BF_ASSIGN(const std::vector<std::string> names, list_xattrs(tree_, ino));
  for (const std::string& name : names) {
    BF_ASSIGN(const bool logged, log_has_xattr({ino, key_type::kXattrItem, name_hash(name)}, name));
    if (!logged) BF_TRY(remove_xattr(tree_, handle_, ino, name));
  }
  return {};
}

// The bucket as a whole: the log has all of the inode's xattrs.
Status SubvolumeReplay::replay_xattrs(const LogItem& item) {
  BF_ASSIGN(const auto inode, find_inode(item.key.objectid));
  if (!inode) return make_error(EUCLEAN, "{} of an inode that does not exist", to_text(item.key));
  WriteCursor cursor(tree_, handle_);
  BF_ASSIGN(const bool there, cursor.seek(item.key));
  if (!there) return cursor.insert(item.key, item.bytes);
  BF_TRY(cursor.resize(static_cast<uint32_t>(item.bytes.size())));
  BF_ASSIGN(MutableByteSpan bytes, cursor.mutable_data());
  std::memcpy(bytes.data(), item.bytes.data(), bytes.size());
  return {};
}

}  // namespace butterfuse
