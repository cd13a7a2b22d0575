// SPDX-License-Identifier: GPL-2.0-or-later
// ROOT_ITEMs: the commit's part of TreeTable: they follow the roots that have moved.
#include <ctime>
#include <vector>

#include "core/ondisk/root_item.h"
#include "core/transaction/tree_table.h"

namespace butterfuse {

Result<bool> TreeTable::write_root_items(CowContext& context, Transaction& transaction) {
  std::vector<Entry*> moved;
  {
    MutexLock lock(mutex_);
    for (auto& [id, entry] : entries_)
      if (entry->tree->root() != entry->recorded) moved.push_back(entry.get());
  }
  for (Entry* entry : moved) BF_TRY(write_root_item(*entry, context, transaction));
  return !moved.empty();
}

Status TreeTable::write_root_item(Entry& entry, CowContext& context, Transaction& transaction) {
  const TreeRootPointer root = entry.tree->root();
  BF_ASSIGN(FoundRootItem found, find_root_item(entry.tree->id()));
  WriteCursor cursor(root_tree_, context);
  BF_ASSIGN(bool there, cursor.seek(entry.root_key));
  if (!there) return make_error(EUCLEAN, "root tree: {} went away", to_text(entry.root_key));

  DiskRootItem& item = found.item;
  item.bytenr = root.bytenr, item.generation = root.generation, item.level = static_cast<uint8_t>(root.level);
  item.generation_v2 = root.generation;
  int64_t bytes = static_cast<int64_t>(item.bytes_used) + transaction.take_tree_bytes(entry.tree->id());
  item.bytes_used = static_cast<uint64_t>(std::max<int64_t>(bytes, 0));
  if (is_subvolume_id(entry.tree->id())) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    item.ctransid = root.generation;
    item.ctime = DiskTimespec{static_cast<uint64_t>(now.tv_sec), static_cast<uint32_t>(now.tv_nsec)};
  }
  BF_ASSIGN(MutableByteSpan bytes_of_item, cursor.mutable_data());
  store_root_item(bytes_of_item, item);
  entry.recorded = root;
  return {};
}

}  // namespace butterfuse
