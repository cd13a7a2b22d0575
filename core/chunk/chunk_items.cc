// SPDX-License-Identifier: GPL-2.0-or-later
// Chunk items: writing them as the kernel does.
#include "core/chunk/chunk_items.h"

#include <cstring>
#include <set>

#include "core/ondisk/chunk_view.h"

namespace butterfuse {
namespace {

Key chunk_key(const ChunkMapping& chunk) {
  return {objectid::kFirstChunkTree, key_type::kChunkItem, chunk.start};
}

Status update_device_item(WriteCursor& cursor, Volume& volume, uint64_t devid, uint64_t bytes_used) {
  const Key key{objectid::kDevItems, key_type::kDevItem, devid};
  BF_ASSIGN(const bool found, cursor.seek(key));
  if (!found || cursor.data().size() < sizeof(DiskDevItem)) {
    return make_error(EUCLEAN, "chunk tree: {} is missing", to_text(key));
  }
  auto item = cursor.as<DiskDevItem>();
  item.bytes_used = bytes_used;
  BF_TRY(cursor.replace(item));
  volume.set_device_item(item);
  return {};
}

Status update_device_items(WriteCursor& cursor, Volume& volume, const ChunkMapping& chunk,
                           const DeviceBytes& used) {
  std::set<uint64_t> devids;
  for (const ChunkStripe& stripe : chunk.stripes) devids.insert(stripe.devid);
  for (uint64_t devid : devids) BF_TRY(update_device_item(cursor, volume, devid, used.at(devid)));
  return {};
}

Status remove_item(WriteCursor& cursor, const Key& key) {
  BF_ASSIGN(const bool found, cursor.seek(key));
  if (!found)
    return make_error(EUCLEAN, "tree {}: {} to remove is missing", cursor.tree().id(), to_text(key));
  return cursor.remove();
}

}  // namespace

std::vector<std::byte> encode_chunk(const ChunkMapping& chunk, uint32_t sectorsize) {
  std::vector<std::byte> bytes(chunk_item_bytes(chunk.stripes.size()));
  DiskChunk item;
  item.length = chunk.length;
  item.owner = objectid::kExtentTree;
  item.stripe_len = kStripeLen;
  item.type = chunk.type;
  item.io_align = static_cast<uint32_t>(kStripeLen);
  item.io_width = static_cast<uint32_t>(kStripeLen);
  item.sector_size = sectorsize;
  item.num_stripes = static_cast<uint16_t>(chunk.stripes.size());
  item.sub_stripes = static_cast<uint16_t>(chunk.profile().sub_stripes);
  store(bytes, item);
  for (size_t i = 0; i < chunk.stripes.size(); i++) {
    DiskStripe stripe;
    stripe.devid = chunk.stripes[i].devid;
    stripe.offset = chunk.stripes[i].physical;
    std::memcpy(stripe.dev_uuid, chunk.stripes[i].dev_uuid.bytes.data(), sizeof(stripe.dev_uuid));
    store(MutableByteSpan(bytes).subspan(chunk_item_bytes(i)), stripe);
  }
  return bytes;
}

uint64_t sys_chunk_bytes(const ChunkMapping& chunk) {
  return sizeof(DiskKey) + chunk_item_bytes(chunk.stripes.size());
}

Status add_sys_chunk(DiskSuper& super, const ChunkMapping& chunk) {
  const uint32_t old_size = super.sys_chunk_array_size;
  if (old_size > kSysChunkArrayBytes || sys_chunk_bytes(chunk) > kSysChunkArrayBytes - old_size) {
    return make_error(EFBIG, "sys_chunk_array has {} bytes: no room for chunk {}", old_size, chunk.start);
  }
  const DiskKey key = chunk_key(chunk);
  const std::vector<std::byte> item = encode_chunk(chunk, super.sectorsize);
  uint8_t* to = super.sys_chunk_array + old_size;
  std::memcpy(to, &key, sizeof(key));
  std::memcpy(to + sizeof(key), item.data(), item.size());
  super.sys_chunk_array_size = static_cast<uint32_t>(old_size + sizeof(key) + item.size());
  return {};
}

void remove_sys_chunk(DiskSuper& super, uint64_t chunk_start) {
  const size_t size = used_sys_chunk_array(super).size();
  SysChunks entries(used_sys_chunk_array(super));
  while (entries.next()) {
    const SysChunk& entry = entries.entry();
    if (entry.key.offset != chunk_start) continue;
    uint8_t* const place = super.sys_chunk_array + entry.offset;
    std::memmove(place, place + entry.size, size - entry.offset - entry.size);
    std::memset(super.sys_chunk_array + size - entry.size, 0, entry.size);
    super.sys_chunk_array_size = static_cast<uint32_t>(size - entry.size);
    return;
  }
}

Status insert_chunk_item(CowContext& context, Tree& chunk_tree, Volume& volume, DiskSuper& super,
                         const ChunkMapping& chunk, const DeviceBytes& used) {
  {
    WriteCursor cursor(chunk_tree, context);
    BF_TRY(cursor.insert(chunk_key(chunk), ByteSpan(encode_chunk(chunk, super.sectorsize))));
    BF_TRY(update_device_items(cursor, volume, chunk, used));
  }
  return (chunk.type & bg::kSystem) ? add_sys_chunk(super, chunk) : Status{};
}

Status remove_chunk_item(CowContext& context, Tree& chunk_tree, Volume& volume, DiskSuper& super,
                         const ChunkMapping& chunk, const DeviceBytes& used) {
  {
    WriteCursor cursor(chunk_tree, context);
    BF_TRY(remove_item(cursor, chunk_key(chunk)));
    BF_TRY(update_device_items(cursor, volume, chunk, used));
  }
  if (chunk.type & bg::kSystem) remove_sys_chunk(super, chunk.start);
  return {};
}

DiskDevExtent device_extent_item(const ChunkMapping& chunk, const Uuid& chunk_tree_uuid) {
  DiskDevExtent item;
  item.chunk_tree = objectid::kChunkTree;
  item.chunk_objectid = objectid::kFirstChunkTree;
  item.chunk_offset = chunk.start;
  item.length = chunk.stripe_bytes();
  std::memcpy(item.chunk_tree_uuid, chunk_tree_uuid.bytes.data(), sizeof(item.chunk_tree_uuid));
  return item;
}

Status insert_device_extents(CowContext& context, Tree& device_tree, const ChunkMapping& chunk,
                             const Uuid& chunk_tree_uuid) {
  const DiskDevExtent item = device_extent_item(chunk, chunk_tree_uuid);
  WriteCursor cursor(device_tree, context);
  for (const ChunkStripe& stripe : chunk.stripes) {
    BF_TRY(cursor.insert({stripe.devid, key_type::kDevExtent, stripe.physical}, object_bytes(item)));
  }
  return {};
}

Status remove_device_extents(CowContext& context, Tree& device_tree, const ChunkMapping& chunk) {
  WriteCursor cursor(device_tree, context);
  for (const ChunkStripe& stripe : chunk.stripes) {
    BF_TRY(remove_item(cursor, {stripe.devid, key_type::kDevExtent, stripe.physical}));
  }
  return {};
}

}  // namespace butterfuse
