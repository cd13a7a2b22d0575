// SPDX-License-Identifier: GPL-2.0-or-later
// Name buckets: growing and cutting the entries packed into one item.
//
//     │ head │ name │ value │ head │ name │ value │         one item; the head has both lengths
//
// New entries go to the end. Cutting one moves those behind it up: entries and what points into the item
// (names, values) are good only until the next change.
#include "core/items/name_bucket.h"

#include <cstring>

namespace butterfuse {
namespace {

void write_entry(MutableByteSpan bytes, const DiskDirItem& head, std::string_view name, ByteSpan value) {
  store(bytes, head);
  std::memcpy(bytes.data() + sizeof(head), name.data(), name.size());
  if (!value.empty()) std::memcpy(bytes.data() + sizeof(head) + name.size(), value.data(), value.size());
}

// Room for `size` more bytes in the bucket that the cursor stands on, unless it holds `name` already.
Result<MutableByteSpan> grow_bucket(WriteCursor& cursor, std::string_view name, uint32_t size) {
  BF_ASSIGN(auto existing, find_name_entry(cursor.data(), name));
  if (existing)
    return make_error(EEXIST, "root {}: name exists in {}", cursor.tree().id(), to_text(cursor.key()));
  const auto old_size = static_cast<uint32_t>(cursor.data().size());
  BF_TRY(cursor.resize(old_size + size));
  BF_ASSIGN(MutableByteSpan bytes, cursor.mutable_data());
  return bytes.subspan(old_size);
}

}  // namespace

Status add_name_entry(WriteCursor& cursor, const Key& key, DiskDirItem head, std::string_view name,
                      ByteSpan value) {
  const size_t size = sizeof(DiskDirItem) + name.size() + value.size();
  if (size > cursor.max_item_size())
    return make_error(EOVERFLOW, "root {}: entry of {} bytes does not fit a leaf", cursor.tree().id(), size);
  head.name_len = static_cast<uint16_t>(name.size());
  head.data_len = static_cast<uint16_t>(value.size());
  Result<MutableByteSpan> bytes = cursor.insert(key, static_cast<uint32_t>(size));
  if (!bytes && bytes.error().code == EEXIST) bytes = grow_bucket(cursor, name, static_cast<uint32_t>(size));
  BF_TRY(bytes);
  write_entry(*bytes, head, name, value);
  return {};
}

Status add_single_entry(WriteCursor& cursor, const Key& key, DiskDirItem head, std::string_view name) {
  head.name_len = static_cast<uint16_t>(name.size());
  head.data_len = 0;
  BF_ASSIGN(MutableByteSpan bytes, cursor.insert(key, static_cast<uint32_t>(sizeof(head) + name.size())));
  write_entry(bytes, head, name, {});
  return {};
}

// In this order: resizing takes bytes off the end.
Status cut_name_entry(WriteCursor& cursor, const NameEntry& entry) {
  const auto old_size = static_cast<uint32_t>(cursor.data().size());
  if (entry.size == old_size) return cursor.remove();
  const uint32_t offset = entry.offset, size = entry.size;
  BF_ASSIGN(MutableByteSpan bytes, cursor.mutable_data());
  std::memmove(bytes.data() + offset, bytes.data() + offset + size, old_size - offset - size);
  return cursor.resize(old_size - size);
}

}  // namespace butterfuse
