// SPDX-License-Identifier: GPL-2.0-or-later
// Reading a log tree in batches.
#include "core/log/log_items.h"

namespace butterfuse {
namespace {

// Some leaves full: large enough that descending for the next batch does not matter, and some 100 KiB
// of memory.
constexpr size_t kBatchItems = 256;

Result<std::vector<LogItem>> read_batch(Tree& log, const Key& from, const Key& end) {
  std::vector<LogItem> items;
  ReadCursor cursor(log);
  BF_TRY(cursor.seek(from));
  while (items.size() < kBatchItems && cursor.valid() && cursor.key() < end) {
    const ByteSpan data = cursor.data();
    items.push_back({cursor.key(), {data.begin(), data.end()}});
    BF_TRY(cursor.next());
  }
  return items;
}

// The key right behind `key`. REQUIRES key < kMaxKey.
Key successor(Key key) {
  if (++key.offset != 0) return key;
  if (++key.type != 0) return key;
  ++key.objectid;
  return key;
}

}  // namespace

Status for_each_log_item(Tree& log, const Key& first, const Key& end,
                         const std::function<Status(const LogItem&)>& visit) {
  for (Key from = first; from < end;) {
    BF_ASSIGN(const std::vector<LogItem> items, read_batch(log, from, end));
    for (const LogItem& item : items) BF_TRY(visit(item));
    if (items.size() < kBatchItems) return {};
    from = successor(items.back().key);
  }
  return {};
}

}  // namespace butterfuse
