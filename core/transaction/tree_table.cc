// SPDX-License-Identifier: GPL-2.0-or-later
// Opening trees by their ROOT_ITEM, with everything in it that can be checked alone checked.
// A tree that was opened stays: its lock and its root are the one truth about it until the commit writes
// them down.
#include "core/transaction/tree_table.h"

#include <cstring>

#include "core/ondisk/root_item.h"

namespace butterfuse {
namespace {

// Old items end after `level`, and an old kernel that changed a new item left generation_v2 behind: either
// way the fields behind it mean nothing.
DiskRootItem trusted_part(ByteSpan bytes) {
  DiskRootItem item = load_root_item(bytes);
  if (item.generation_v2 != item.generation)
    std::memset(reinterpret_cast<char*>(&item) + kRootItemV0Bytes, 0, sizeof(item) - kRootItemV0Bytes);
  return item;
}

}  // namespace

bool is_subvolume_id(uint64_t root_id) {
  return root_id == objectid::kFsTree || (root_id >= objectid::kFirstFree && root_id <= objectid::kLastFree);
}

Result<FoundRootItem> TreeTable::find_root_item(uint64_t root_id) {
  ReadCursor cursor(root_tree_);
  // A snapshot's key has its birth transid as offset; of several the last is the live one.
  BF_ASSIGN(bool found, cursor.seek_at_or_before({root_id, key_type::kRootItem, ~uint64_t{0}}));
  if (!found || cursor.key().objectid != root_id || cursor.key().type != key_type::kRootItem)
    return make_error(ENOENT, "root tree: no ROOT_ITEM of tree {}",
                      objectid_name(root_id, key_type::kRootItem));
  if (cursor.data().size() < kRootItemV0Bytes)
    return make_error(EUCLEAN, "root tree: {} is {} bytes, want at least {}", to_text(cursor.key()),
                      cursor.data().size(), kRootItemV0Bytes);
  return FoundRootItem{cursor.key(), trusted_part(cursor.data())};
}

Result<Tree*> TreeTable::open(uint64_t root_id, uint64_t newest) {
  MutexLock lock(mutex_);
  if (auto known = entries_.find(root_id); known != entries_.end()) return known->second->tree.get();
  BF_ASSIGN(FoundRootItem found, find_root_item(root_id));
  const DiskRootItem& item = found.item;
  if (item.level >= kMaxLevel)
    return make_error(EUCLEAN, "root tree: {}: level {}, want below {}", to_text(found.key), item.level,
                      kMaxLevel);
  if (item.bytenr == 0 || item.bytenr % kSectorSize != 0)
    return make_error(EUCLEAN, "root tree: {}: bytenr {} is not a tree block", to_text(found.key),
                      uint64_t{item.bytenr});
  if (item.generation == 0 || item.generation > newest)
    return make_error(EUCLEAN, "root tree: {}: generation {}, want 1 to {}", to_text(found.key),
                      uint64_t{item.generation}, newest);
  if (is_subvolume_id(root_id) && item.refs == 0)
    return make_error(ENOENT, "subvolume {} is deleted and waits for its removal", root_id);
  auto entry = std::make_unique<Entry>();
  entry->root_key = found.key;
  entry->recorded = {item.bytenr, item.generation, item.level};
  // The root block is read and checked by whoever seeks first; a bad one here would only be reported later.
  BF_ASSIGN([[maybe_unused]] TreeBlockRef root,
            root_tree_.cache().get(item.bytenr, {.generation = item.generation, .level = item.level}));
  entry->tree = std::make_unique<Tree>(root_tree_.cache(), root_id, entry->recorded, item.last_snapshot);
  // A size that is wrong makes promises too generous or too mean, and is no worse than that.
  if (is_subvolume_id(root_id)) promises_.know(root_id, item.bytes_used, item.last_snapshot != 0);
  return entries_.emplace(root_id, std::move(entry)).first->second->tree.get();
}

}  // namespace butterfuse
