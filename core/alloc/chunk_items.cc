// Chunk items: writing them as the kernel does.
#include "core/alloc/chunk_items.h"

#include <cstring>
#include <set>

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
  std::vector<std::byte> bytes(sizeof(DiskChunk) + chunk.stripes.size() * sizeof(DiskStripe));
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
    store(MutableByteSpan(bytes).subspan(sizeof(DiskChunk) + i * sizeof(DiskStripe)), stripe);
  }
  return bytes;
}

uint64_t sys_chunk_bytes(const ChunkMapping& chunk) {
  return sizeof(DiskKey) + sizeof(DiskChunk) + chunk.stripes.size() * sizeof(DiskStripe);
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
  const size_t size = std::min<size_t>(super.sys_chunk_array_size, kSysChunkArrayBytes);
  for (size_t position = 0; position + sizeof(DiskKey) + sizeof(DiskChunk) <= size;) {
    const ByteSpan rest(reinterpret_cast<const std::byte*>(super.sys_chunk_array) + position,
                        size - position);
    const Key key = load<DiskKey>(rest);
    const uint64_t stripes = load<DiskChunk>(rest.subspan(sizeof(DiskKey))).num_stripes;
    const size_t entry = sizeof(DiskKey) + sizeof(DiskChunk) + stripes * sizeof(DiskStripe);
    if (entry > rest.size()) return;
    if (key.offset == chunk_start) {
      std::memmove(super.sys_chunk_array + position, super.sys_chunk_array + position + entry,
                   rest.size() - entry);
      std::memset(super.sys_chunk_array + size - entry, 0, entry);
      super.sys_chunk_array_size = static_cast<uint32_t>(size - entry);
      return;
    }
    position += entry;
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
