// SPDX-License-Identifier: GPL-2.0-or-later
// make_snapshot: a copy of the root block, its ROOT_ITEM, and the names that lead to it.
#include "tests/support/make_snapshot.h"

#include "core/base/uuid.h"
#include "core/btree/cursor.h"
#include "core/btree/tree.h"
#include "core/btree/tree_roots.h"
#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "core/ondisk/root_item.h"
#include "tests/support/mkfs_image.h"

using namespace butterfuse;

namespace {

constexpr uint32_t kItems = 12;  // changed, generously

uint64_t next_root_id(Tree& root_tree) {
  uint64_t highest = objectid::kFirstFree - 1;
  ReadCursor cursor(root_tree);
  must(cursor.seek({objectid::kFirstFree, 0, 0}));
  for (; cursor.valid() && cursor.key().objectid <= objectid::kLastFree; must(cursor.next()))
    highest = std::max(highest, cursor.key().objectid);
  return highest + 1;
}

void insert(Tree& tree, TransactionHandle& handle, const Key& key, ByteSpan bytes) {
  WriteCursor cursor(tree, handle);
  if (must(cursor.seek(key))) throw std::runtime_error("there is an item " + to_text(key));
  must(cursor.insert(key, bytes));
}

// The source remembers it as well: blocks born until now are shared.
DiskRootItem note_in_source(Tree& root_tree, TransactionHandle& handle) {
  WriteCursor cursor(root_tree, handle);
  if (!must(cursor.seek({objectid::kFsTree, key_type::kRootItem, 0})))
    throw std::runtime_error("no ROOT_ITEM 5");
  const MutableByteSpan bytes = must(cursor.mutable_data());
  DiskRootItem item = load_root_item(bytes);
  item.last_snapshot = handle.transid();
  store_root_item(bytes, item);
  return item;
}

void insert_root_item(Tree& root_tree, TransactionHandle& handle, uint64_t id, const TreeRootPointer& root) {
  DiskRootItem item = note_in_source(root_tree, handle);
  std::copy(std::begin(item.uuid), std::end(item.uuid), std::begin(item.parent_uuid));
  std::ranges::copy(Uuid::random().bytes, item.uuid);
  item.bytenr = root.bytenr, item.level = static_cast<uint8_t>(root.level);
  item.generation = item.generation_v2 = root.generation;
  item.ctransid = item.otransid = handle.transid();
  insert(root_tree, handle, {id, key_type::kRootItem, handle.transid()}, object_bytes(item));
}

void insert_root_refs(Tree& root_tree, TransactionHandle& handle, uint64_t id, uint64_t index,
                      const std::string& name) {
  DiskRootRef ref{};
  ref.dirid = objectid::kFirstFree, ref.sequence = index, ref.name_len = static_cast<uint16_t>(name.size());
  const ByteSpan head = object_bytes(ref), text = as_bytes(name);
  std::vector<std::byte> bytes(head.begin(), head.end());
  bytes.insert(bytes.end(), text.begin(), text.end());
  insert(root_tree, handle, {objectid::kFsTree, key_type::kRootRef, id}, bytes);
  insert(root_tree, handle, {id, key_type::kRootBackref, objectid::kFsTree}, bytes);
}

}  // namespace

void make_snapshot(Filesystem& filesystem, const std::string& name) {
  constexpr uint64_t kTop = objectid::kFirstFree;
  Tree& source = *must(filesystem.subvolume(objectid::kFsTree));
  Tree& root_tree = filesystem.root_tree();
  const uint64_t id = next_root_id(root_tree), index = must(next_dir_index(source, kTop));
  {
    TransactionHandle handle = must(filesystem.begin(kItems));
    insert_root_item(root_tree, handle, id, must(copy_tree_root(source, handle, id)));
    insert_root_refs(root_tree, handle, id, index, name);
    must(insert_dir_entry(
        source, handle, kTop,
        {name, {id, key_type::kRootItem, ~uint64_t{0}}, file_type::kDir, index, handle.transid()}));
    InodeItem top = must(read_inode_item(source, kTop));
    top.size += 2 * name.size();
    must(write_inode_item(source, handle, kTop, top));
  }
  must(filesystem.commit());
}
