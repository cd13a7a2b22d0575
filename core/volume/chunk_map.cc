// SPDX-License-Identifier: GPL-2.0-or-later
// The chunk map of Volume: decoding chunks, adding and finding them, and the boot strap from sys_chunk_array.
// Whoever looks up a chunk keeps it by reference: one that is removed meanwhile, since its block group was
// empty, is still whole for who is reading.
#include <cerrno>
#include <cstring>

#include "core/ondisk/chunk_view.h"
#include "core/volume/volume.h"

namespace butterfuse {

namespace {

Status check_mapping(const ChunkMapping& chunk) {
  const char* flaw = chunk_flaw(chunk);
  if (flaw == nullptr) return {};
  return make_error(EUCLEAN, "bad chunk {} + {} ({}) with {} stripes: {}", chunk.start, chunk.length,
                    chunk.profile().name, chunk.stripes.size(), flaw);
}

}  // namespace

ChunkMapping decode_chunk(const Key& key, ByteSpan item) {
  ChunkMapping mapping;
  mapping.start = key.offset;
  const auto chunk = chunk_view(item);
  if (!chunk) return mapping;
  mapping.length = chunk->head.length;
  mapping.type = chunk->head.type;
  for (const DiskStripe& stripe : chunk->stripes) {
    ChunkStripe& decoded = mapping.stripes.emplace_back();
    decoded.devid = stripe.devid;
    decoded.physical = stripe.offset;
    std::memcpy(decoded.dev_uuid.bytes.data(), stripe.dev_uuid, decoded.dev_uuid.bytes.size());
  }
  return mapping;
}

Status Volume::add_chunk(ChunkMapping chunk) {
  BF_TRY(check_mapping(chunk));
  BF_TRY(resolve_stripes(chunk));
  const uint64_t start = chunk.start;
  const uint64_t end = chunk.start + chunk.length;
  auto shared = std::make_shared<const ChunkMapping>(std::move(chunk));
  WriterLock lock(mutex_);
  auto behind = chunks_.lower_bound(start);
  if (behind != chunks_.end() && behind->first < end)
    return make_error(EEXIST, "chunk {} overlaps chunk {}", start, behind->first);
  if (behind != chunks_.begin()) {
    const ChunkMapping& before = *std::prev(behind)->second;
    if (before.start + before.length > start)
      return make_error(EEXIST, "chunk {} overlaps chunk {}", start, before.start);
  }
  chunks_.emplace_hint(behind, start, std::move(shared));
  return {};
}

void Volume::remove_chunk(uint64_t start) {
  WriterLock lock(mutex_);
  chunks_.erase(start);
}

std::shared_ptr<const ChunkMapping> Volume::chunk_at(uint64_t bytenr) const {
  ReaderLock lock(mutex_);
  auto behind = chunks_.upper_bound(bytenr);
  if (behind == chunks_.begin()) return nullptr;
  const auto& chunk = std::prev(behind)->second;
  return bytenr - chunk->start < chunk->length ? chunk : nullptr;
}

std::vector<std::shared_ptr<const ChunkMapping>> Volume::chunks() const {
  ReaderLock lock(mutex_);
  std::vector<std::shared_ptr<const ChunkMapping>> list;
  list.reserve(chunks_.size());
  for (const auto& [start, chunk] : chunks_) list.push_back(chunk);
  return list;
}

int Volume::copies(uint64_t bytenr) const {
  auto chunk = chunk_at(bytenr);
  return chunk ? chunk->copies() : 0;
}

Result<std::shared_ptr<const ChunkMapping>> Volume::chunk_of_range(uint64_t bytenr, uint64_t length) const {
  auto chunk = chunk_at(bytenr);
  if (!chunk) return make_error(EUCLEAN, "bytenr {} is in no chunk", bytenr);
  if (length > chunk->length - (bytenr - chunk->start))
    return make_error(EUCLEAN, "range {} + {} crosses the end of chunk {} + {}", bytenr, length, chunk->start,
                      chunk->length);
  return chunk;
}

Status Volume::load_sys_chunk_array() {
  const TreeCheckContext context = check_context(super_.generation);
  SysChunks entries(used_sys_chunk_array(super_));
  while (entries.next()) {
    const SysChunk& entry = entries.entry();
    BF_TRY(check_chunk_item(context, entry.key, entry.item));
    ChunkMapping chunk = decode_chunk(entry.key, entry.item);
    if (!(chunk.type & bg::kSystem))
      return make_error(EUCLEAN, "sys_chunk_array entry {} is no system chunk, type 0x{:x}",
                        to_text(entry.key), chunk.type);
    BF_TRY(add_chunk(std::move(chunk)));
  }
  return entries.finish("sys_chunk_array: entry");
}

}  // namespace butterfuse
