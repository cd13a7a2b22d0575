// SPDX-License-Identifier: GPL-2.0-or-later
// Copying inodes, names and entries into a log.
//
// What an inode had in the log before is compared with what it has now, and only the difference is written:
// an fsync after a small change copies the leaves of what changed, and no others.
#include "core/log/log_writer.h"

#include <algorithm>

namespace butterfuse {
namespace {

// Of one kind of one inode; more is a full commit's work. They are in memory twice while they are compared.
constexpr size_t kItemsMax = 20'000;

bool same(const LogItem& a, const LogItem& b) { return a.key == b.key && a.bytes == b.bytes; }

}  // namespace

Status LogWriter::put_item(const Key& key, ByteSpan bytes) {
  WriteCursor cursor(log_, context_);
  BF_ASSIGN(const bool there, cursor.seek(key));
  if (!there) return cursor.insert(key, bytes);
  BF_TRY(cursor.resize(static_cast<uint32_t>(bytes.size())));
  BF_ASSIGN(MutableByteSpan into, cursor.mutable_data());
  std::copy(bytes.begin(), bytes.end(), into.begin());
  return {};
}

Result<std::vector<LogItem>> LogWriter::items_of(Tree& tree, const Key& first, const Key& end) {
  std::vector<LogItem> items;
  ReadCursor cursor(tree);
  BF_TRY(cursor.seek(first));
  while (cursor.valid() && cursor.key() < end) {
    if (items.size() == kItemsMax) return make_error(EFBIG, "{}: too many items to log", to_text(first));
    const ByteSpan data = cursor.data();
    items.push_back({cursor.key(), {data.begin(), data.end()}});
    BF_TRY(cursor.next());
  }
  return items;
}

// Both lists are in key order. What stays the same is not touched, so that its leaf need not be copied.
Status LogWriter::replace_items(const std::vector<LogItem>& old, const std::vector<LogItem>& wanted) {
  auto keep = wanted.begin();
  for (const LogItem& item : old) {
    while (keep != wanted.end() && keep->key < item.key) ++keep;
    if (keep != wanted.end() && keep->key == item.key) continue;
    WriteCursor cursor(log_, context_);
    BF_ASSIGN(const bool there, cursor.seek(item.key));
    if (there) BF_TRY(cursor.remove());
  }
  auto known = old.begin();
  for (const LogItem& item : wanted) {
    while (known != old.end() && known->key < item.key) ++known;
    if (known != old.end() && same(*known, item)) continue;
    BF_TRY(put_item(item.key, item.bytes));
  }
  return {};
}

Status LogWriter::copy_items(const Key& first, const Key& end) {
  BF_ASSIGN(const std::vector<LogItem> wanted, items_of(tree_, first, end));
  BF_ASSIGN(const std::vector<LogItem> old, items_of(log_, first, end));
  return replace_items(old, wanted);
}

Status LogWriter::put_inode(uint64_t ino, const InodeItem& item) {
  const DiskInodeItem disk = item.encode();
  return put_item({ino, key_type::kInodeItem, 0}, object_bytes(disk));
}

Status LogWriter::copy_refs(uint64_t ino) {
  return copy_items({ino, key_type::kInodeRef, 0}, {ino, key_type::kInodeExtref + 1, 0});
}

Status LogWriter::copy_xattrs(uint64_t ino) {
  return copy_items({ino, key_type::kXattrItem, 0}, {ino, key_type::kXattrItem + 1, 0});
}

Status LogWriter::remove_inode(uint64_t ino) {
  WriteCursor cursor(log_, context_);
  BF_TRY(cursor.seek({ino, 0, 0}));
  return cursor.remove_while([&](const Key& key, ByteSpan) -> Result<bool> { return key.objectid == ino; });
}

Status LogWriter::put_entry(uint64_t dir_ino, const DirEntry& entry) {
  const Key key{dir_ino, key_type::kDirIndex, entry.index};
  BF_ASSIGN(const auto item, lookup_item(tree_, key));
  if (!item) return make_error(EUCLEAN, "{} is gone", to_text(key));
  return put_item(key, *item);
}

Status LogWriter::forget_entry(uint64_t dir_ino, uint64_t index) {
  WriteCursor cursor(log_, context_);
  BF_ASSIGN(const bool there, cursor.seek({dir_ino, key_type::kDirIndex, index}));
  return there ? cursor.remove() : Status{};
}

// A range of one index: (first, last) are the same.
Status LogWriter::put_removal(uint64_t dir_ino, uint64_t index) {
  const DiskDirLogItem range{.last = index};
  return put_item({dir_ino, key_type::kDirLogIndex, index}, object_bytes(range));
}

}  // namespace butterfuse
