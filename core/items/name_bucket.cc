// Name buckets: walking, growing and cutting the entries packed into one item.
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

Result<NameEntry> name_entry_at(ByteSpan item, uint32_t offset) {
  const ByteSpan rest = item.subspan(offset);
  if (rest.size() < sizeof(DiskDirItem))
    return make_error(EUCLEAN, "directory entry at {} runs over its item of {} bytes", offset, item.size());
  NameEntry entry;
  entry.offset = offset;
  entry.head = load<DiskDirItem>(rest);
  const size_t name_len = entry.head.name_len, data_len = entry.head.data_len;
  const size_t size = sizeof(DiskDirItem) + name_len + data_len;
  if (size > rest.size())
    return make_error(EUCLEAN, "directory entry at {} has name_len {} data_len {}, its item {} bytes", offset,
                      name_len, data_len, item.size());
  entry.size = static_cast<uint32_t>(size);
  entry.name = as_text(rest.subspan(sizeof(DiskDirItem), name_len));
  entry.value = rest.subspan(sizeof(DiskDirItem) + name_len, data_len);
  return entry;
}

Result<std::optional<NameEntry>> find_name_entry(ByteSpan item, std::string_view name) {
  for (uint32_t offset = 0; offset < item.size();) {
    BF_ASSIGN(NameEntry entry, name_entry_at(item, offset));
    if (entry.name == name) return std::optional(entry);
    offset += entry.size;
  }
  return std::optional<NameEntry>();
}

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

Status cut_name_entry(WriteCursor& cursor, const NameEntry& entry) {
  const auto old_size = static_cast<uint32_t>(cursor.data().size());
  if (entry.size == old_size) return cursor.remove();
  const uint32_t offset = entry.offset, size = entry.size;
  BF_ASSIGN(MutableByteSpan bytes, cursor.mutable_data());
  std::memmove(bytes.data() + offset, bytes.data() + offset + size, old_size - offset - size);
  return cursor.resize(old_size - size);
}

}  // namespace butterfuse
