// SPDX-License-Identifier: GPL-2.0-or-later
// NameEdit: one small transaction handle for each change.
//
// core/items changes a name whole: its two items and the reference. Of a damaged name some of these are
// missing or wrong, which there is an error; here each is changed without the others, and what is missing is
// no error. A crash between two of them leaves a name that is half mended, and the next repair mends the
// rest. (Repair works on overlays in memory, where there is no crash.)
#include "core/repair/name_edit.h"

#include "core/items/dir_item.h"
#include "core/items/file_extent.h"
#include "core/items/inode_item.h"
#include "core/items/name_bucket.h"
#include "core/repair/one_transaction.h"

namespace butterfuse::repair {
namespace {

// A name's item is cut out and another put in; a bucket that several names share may have to be cut twice.
constexpr uint32_t kItems = 8;

DiskDirItem head_of(const FoundEntry& entry, uint64_t transid) {
  DiskDirItem head{};
  head.location = entry.location;
  head.type = entry.type;
  head.transid = transid;
  return head;
}

// However often it is there. A damaged directory may have a name twice under one hash.
Status cut(WriteCursor& cursor, const Key& key, std::string_view name) {
  for (;;) {
    BF_ASSIGN(const bool found, cursor.seek(key));
    if (!found) return {};
    BF_ASSIGN(const auto entry, find_name_entry(cursor.data(), name));
    if (!entry) return {};
    BF_TRY(cut_name_entry(cursor, *entry));
  }
}

}  // namespace

Status NameEdit::set_item(uint64_t dir, const std::string& name, const std::optional<FoundEntry>& entry) {
  return in_transaction(filesystem_, kItems, [&](TransactionHandle& handle) -> Status {
    const Key key{dir, key_type::kDirItem, name_hash(name)};
    WriteCursor cursor(tree_, handle);
    BF_TRY(cut(cursor, key, name));
    return entry ? add_name_entry(cursor, key, head_of(*entry, handle.transid()), name, {}) : Status{};
  });
}

Status NameEdit::set_index(uint64_t dir, uint64_t index, const std::string& name, const FoundEntry& entry) {
  BF_TRY(remove_index(dir, index));
  return in_transaction(filesystem_, kItems, [&](TransactionHandle& handle) -> Status {
    WriteCursor cursor(tree_, handle);
    return add_single_entry(cursor, {dir, key_type::kDirIndex, index}, head_of(entry, handle.transid()),
                            name);
  });
}

Status NameEdit::remove_index(uint64_t dir, uint64_t index) {
  return in_transaction(filesystem_, kItems, [&](TransactionHandle& handle) -> Status {
    WriteCursor cursor(tree_, handle);
    BF_ASSIGN(const bool found, cursor.seek({dir, key_type::kDirIndex, index}));
    return found ? cursor.remove() : Status{};
  });
}

Status NameEdit::set_reference(uint64_t ino, uint64_t dir, const std::string& name, uint64_t index) {
  BF_TRY(remove_reference(ino, dir, name));
  return in_transaction(filesystem_, kItems, [&](TransactionHandle& handle) {
    return insert_inode_ref(tree_, handle, ino, {dir, index, name},
                            filesystem_.has_incompat(incompat::kExtendedIref));
  });
}

Status NameEdit::remove_reference(uint64_t ino, uint64_t dir, const std::string& name) {
  return in_transaction(filesystem_, kItems, [&](TransactionHandle& handle) -> Status {
    const auto removed = remove_inode_ref(tree_, handle, ino, dir, name);
    if (!removed && removed.error().code != ENOENT) return tl::unexpected(removed.error());
    return {};
  });
}

Status NameEdit::set_inode(uint64_t ino, const DiskInodeItem& item) {
  return in_transaction(filesystem_, kItems, [&](TransactionHandle& handle) -> Status {
    WriteCursor cursor(tree_, handle);
    BF_ASSIGN(const bool found, cursor.seek({ino, key_type::kInodeItem, 0}));
    return found ? cursor.replace(item) : cursor.insert({ino, key_type::kInodeItem, 0}, object_bytes(item));
  });
}

Status NameEdit::add_orphan(uint64_t ino) {
  return in_transaction(filesystem_, kItems,
                        [&](TransactionHandle& handle) { return insert_orphan(tree_, handle, ino); });
}

Status NameEdit::remove_all(uint64_t ino) {
  // Extents that one handle drops: of a large file each step is small enough to have room even on a full file
  // system, and what a step frees is there for those behind it once it is committed.
  constexpr uint32_t kItemsAtOnce = 32;
  for (bool done = false; !done;) {
    BF_ASSIGN(TransactionHandle handle, filesystem_.begin_freeing(2 * kItemsAtOnce));
    auto step = truncate_file_extents(tree_, handle, ino, 0, kItemsAtOnce);
    if (!step) {
      handle.abort(step.error());
      return tl::unexpected(step.error());
    }
    done = step->done;
  }
  return in_transaction(filesystem_, kItems, [&](TransactionHandle& handle) -> Status {
    WriteCursor cursor(tree_, handle);
    BF_TRY(cursor.seek({ino, 0, 0}));
    if (!cursor.valid()) return {};
    // All that is left under the number; an orphan item is under another, and is no reason to keep anything.
    return cursor.remove_while(
        [ino](const Key& key, ByteSpan) -> Result<bool> { return key.objectid == ino; });
  });
}

Status NameEdit::fill_gaps(uint64_t ino, uint64_t end) {
  return in_transaction(filesystem_, kItems, [&](TransactionHandle& handle) {
    return fill_gaps_before(tree_, handle, ino, round_up(end, filesystem_.sectorsize()), true);
  });
}

}  // namespace butterfuse::repair
