// SPDX-License-Identifier: GPL-2.0-or-later
// mend_root_refs: an item's other half has the same data under the mirrored key; entries follow from both.
#include "core/repair/mend_root_refs.h"

#include <sys/stat.h>

#include "core/base/shown_name.h"
#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "core/items/name_bucket.h"
#include "core/ondisk/root_item.h"
#include "core/repair/name_edit.h"
#include "core/repair/one_transaction.h"
#include "core/survey/report.h"

namespace butterfuse::repair {
namespace {

// Two halves of a reference, each taken out and put in.
constexpr uint32_t kItems = 4;

struct Half {
  Key key;
  std::vector<std::byte> data;
};

Result<std::vector<Half>> all_halves(Tree& root_tree) {
  std::vector<Half> halves;
  ReadCursor cursor(root_tree);
  BF_TRY(cursor.seek({0, 0, 0}));
  while (cursor.valid()) {
    const Key key = cursor.key();
    if (key.type == key_type::kRootRef || key.type == key_type::kRootBackref)
      halves.push_back({key, {cursor.data().begin(), cursor.data().end()}});
    BF_TRY(cursor.next());
  }
  return halves;
}

// In place of what is there.
Status put(TransactionHandle& handle, Tree& tree, const Key& key, const std::vector<std::byte>& data) {
  WriteCursor cursor(tree, handle);
  BF_ASSIGN(const bool found, cursor.seek(key));
  if (found) BF_TRY(cursor.remove());
  return cursor.insert(key, ByteSpan(data));
}

// By name and location: the item may be a bucket of several names, or an index that something else has.
bool leads_to(ByteSpan item, std::string_view name, uint64_t child) {
  const auto entry = find_name_entry(item, name);
  return entry && *entry && Key((*entry)->head.location).objectid == child &&
         Key((*entry)->head.location).type == key_type::kRootItem;
}

struct Entry {
  bool has_item = false, has_index = false;
};

// What of the directory entry that a reference speaks of is there.
Result<Entry> find_entry(Tree& tree, uint64_t child, const RootRefEntry& ref) {
  BF_ASSIGN(const auto item, lookup_item(tree, {ref.dir_ino, key_type::kDirItem, name_hash(ref.name)}));
  BF_ASSIGN(const auto index, lookup_item(tree, {ref.dir_ino, key_type::kDirIndex, ref.index}));
  return Entry{item && leads_to(*item, ref.name, child), index && leads_to(*index, ref.name, child)};
}

// Whether a part of that entry is there. One of its two items is enough: place() writes the other.
Result<bool> is_confirmed(Filesystem& filesystem, uint64_t parent, uint64_t child, ByteSpan data) {
  const auto ref = root_ref_entry(data);
  if (!ref) return false;
  auto tree = filesystem.subvolume(parent);
  if (!tree) return false;
  BF_ASSIGN(const Entry entry, find_entry(**tree, child, *ref));
  return entry.has_item || entry.has_index;
}

// Where subvolumes hang: first goes what speaks of none, then each reference gets its entry, then each
// subvolume that has no place yet gets one at the top.
class PlaceMender {
 public:
  PlaceMender(Filesystem& filesystem, const Report& report)
      : filesystem_(filesystem), root_tree_(filesystem.root_tree()), report_(report) {}

  Result<uint64_t> run() {
    BF_TRY(drop_refs_of_nothing());
    BF_ASSIGN(const auto halves, all_halves(root_tree_));
    std::set<uint64_t> placed;
    for (const Half& half : halves) {
      const auto ref = root_ref_entry(half.data);
      if (half.key.type != key_type::kRootRef || !ref) continue;
      BF_ASSIGN(const bool there, place(half.key.objectid, half.key.offset, *ref));
      if (there) placed.insert(half.key.offset);
    }
    BF_ASSIGN(const auto subvolumes, subvolumes_in_use());
    for (const uint64_t id : subvolumes)
      if (!placed.contains(id)) BF_TRY(place_at_top(id));
    return changes_;
  }

 private:
  Result<std::vector<uint64_t>> subvolumes_in_use() {
    std::vector<uint64_t> ids;
    ReadCursor cursor(root_tree_);
    BF_TRY(cursor.seek({objectid::kFirstFree, 0, 0}));
    while (cursor.valid() && cursor.key().objectid <= objectid::kLastFree) {
      if (cursor.key().type == key_type::kRootItem && load_root_item(cursor.data()).refs > 0)
        ids.push_back(cursor.key().objectid);
      BF_TRY(cursor.next());
    }
    return ids;
  }

  Status drop_refs_of_nothing() {
    BF_ASSIGN(const auto halves, all_halves(root_tree_));
    for (const Half& half : halves) {
      const uint64_t child = half.key.type == key_type::kRootRef ? half.key.offset : half.key.objectid;
      if (filesystem_.root_item(child)) continue;
      const auto remove = [&](TransactionHandle& handle) -> Status {
        WriteCursor cursor(root_tree_, handle);
        BF_ASSIGN(const bool found, cursor.seek(half.key));
        return found ? cursor.remove() : Status{};
      };
      BF_TRY(in_transaction(filesystem_, kItems, remove));
      report_(fmt::format("root tree: {} removed, there is no subvolume {}", to_text(half.key), child));
      ++changes_;
    }
    return {};
  }

  // The entry that the reference speaks of. False: there is no such directory.
  Result<bool> place(uint64_t parent, uint64_t child, const RootRefEntry& ref) {
    auto tree = filesystem_.subvolume(parent);
    if (!tree) return false;
    const auto dir = read_inode_item(**tree, ref.dir_ino);
    if (!dir || !S_ISDIR(dir->mode)) return false;
    NameEdit edit(filesystem_, **tree);
    // The location has the largest offset whatever that of the root item's key is: as the kernel writes it.
    const FoundEntry entry{{child, key_type::kRootItem, ~uint64_t{0}}, file_type::kDir};
    BF_ASSIGN(const Entry there, find_entry(**tree, child, ref));
    if (there.has_item && there.has_index) return true;
    const std::string name(ref.name);
    if (!there.has_item) BF_TRY(edit.set_item(ref.dir_ino, name, entry));
    if (!there.has_index) BF_TRY(edit.set_index(ref.dir_ino, ref.index, name, entry));
    report_(fmt::format("root {}: directory {} entry '{}' of subvolume {} written", parent, ref.dir_ino,
                        shown_name(name), child));
    ++changes_;
    return true;
  }

  // Nothing says where it was. The two halves come first: where this is cut short before the entry, the next
  // repair finds them and writes it.
  Status place_at_top(uint64_t child) {
    BF_ASSIGN(Tree * top, filesystem_.subvolume(objectid::kFsTree));
    BF_ASSIGN(const uint64_t index, next_dir_index(*top, objectid::kFirstFree));
    const std::string name = fmt::format("lost-subvolume-{}", child);
    DiskRootRef ref{};
    ref.dirid = objectid::kFirstFree;
    ref.sequence = index;
    ref.name_len = static_cast<uint16_t>(name.size());
    std::vector<std::byte> data(sizeof ref + name.size());
    store(MutableByteSpan(data), ref);
    std::memcpy(data.data() + sizeof ref, name.data(), name.size());
    const auto write = [&](TransactionHandle& handle) -> Status {
      BF_TRY(put(handle, root_tree_, {objectid::kFsTree, key_type::kRootRef, child}, data));
      return put(handle, root_tree_, {child, key_type::kRootBackref, objectid::kFsTree}, data);
    };
    BF_TRY(in_transaction(filesystem_, kItems, write));
    BF_ASSIGN([[maybe_unused]] const bool placed,
              place(objectid::kFsTree, child, {objectid::kFirstFree, index, name}));
    return {};
  }

  Filesystem& filesystem_;
  Tree& root_tree_;
  const Report& report_;
  uint64_t changes_ = 0;
};

}  // namespace

Result<uint64_t> mend_root_refs(Filesystem& filesystem, const Report& report) {
  Tree& root_tree = filesystem.root_tree();
  BF_ASSIGN(const std::vector<Half> halves, all_halves(root_tree));
  uint64_t changes = 0;
  const auto write = [&](const Key& key, const std::vector<std::byte>& data) -> Status {
    BF_TRY(in_transaction(filesystem, kItems,
                          [&](TransactionHandle& handle) { return put(handle, root_tree, key, data); }));
    report(fmt::format("root tree: {} written", to_text(key)));
    ++changes;
    return {};
  };
  for (const Half& half : halves) {
    const bool is_backref = half.key.type == key_type::kRootBackref;
    const Key other{half.key.offset, is_backref ? key_type::kRootRef : key_type::kRootBackref,
                    half.key.objectid};
    BF_ASSIGN(const auto there, lookup_item(root_tree, other));
    // Two halves that differ are met twice: only the backref's turn decides, or the second would undo
    // the first.
    if (there && (*there == half.data || !is_backref)) continue;
    bool confirmed = false;
    if (there) {
      BF_ASSIGN(confirmed, is_confirmed(filesystem, half.key.offset, half.key.objectid, *there));
    }
    BF_TRY(confirmed ? write(half.key, *there) : write(other, half.data));
  }
  BF_ASSIGN(const uint64_t places, PlaceMender(filesystem, report).run());
  return changes + places;
}

}  // namespace butterfuse::repair
