// Reading and writing of Volume: bytenrs to device offsets, and tree blocks that are checked before anyone
// sees them.
#include <cerrno>
#include <cstring>
#include <optional>

#include "core/base/assert.h"
#include "core/ondisk/leaf_view.h"
#include "core/volume/volume.h"

namespace butterfuse {

Status Volume::read(uint64_t bytenr, MutableByteSpan into, int mirror) {
  BF_ASSIGN(auto chunk, chunk_of_range(bytenr, into.size()));
  if (mirror < 0 || mirror >= chunk->copies())
    return make_error(EIO, "bytenr {} has {} copies, no copy {}", bytenr, chunk->copies(), mirror);
  return device_->read(chunk->stripes[mirror].physical + (bytenr - chunk->start), into);
}

Status Volume::write(uint64_t bytenr, ByteSpan from, WriteKind kind) {
  BF_ASSIGN(auto chunk, chunk_of_range(bytenr, from.size()));
  for (const ChunkStripe& stripe : chunk->stripes)
    BF_TRY(device_->write(stripe.physical + (bytenr - chunk->start), from, kind));
  return {};
}

Status Volume::write_gather(uint64_t bytenr, const std::vector<ByteSpan>& pieces, WriteKind kind) {
  uint64_t length = 0;
  for (ByteSpan piece : pieces) length += piece.size();
  BF_ASSIGN(auto chunk, chunk_of_range(bytenr, length));
  for (const ChunkStripe& stripe : chunk->stripes)
    BF_TRY(device_->write_gather(stripe.physical + (bytenr - chunk->start), pieces, kind));
  return {};
}

void Volume::start_writeback(uint64_t bytenr, uint64_t length) {
  auto chunk = chunk_of_range(bytenr, length);
  if (!chunk) return;
  for (const ChunkStripe& stripe : (*chunk)->stripes)
    device_->start_writeback(stripe.physical + (bytenr - (*chunk)->start), length);
}

void Volume::discard(uint64_t bytenr, uint64_t length) {
  auto chunk = chunk_of_range(bytenr, length);
  if (!chunk) return;
  for (const ChunkStripe& stripe : (*chunk)->stripes)
    device_->discard(stripe.physical + (bytenr - (*chunk)->start), length);
}

Status Volume::flush() { return device_->flush(); }

Status Volume::check_one_copy(uint64_t bytenr, ByteSpan block, uint64_t expected_generation,
                              int expected_level, uint64_t generation_limit) const {
  const DiskHeader& header = header_of(block);
  const CsumValue csum = checksum(csum_type(), block.subspan(sizeof header.csum));
  if (std::memcmp(csum.data(), header.csum, csum_size_bytes()) != 0)
    return make_error(EUCLEAN, "tree block {}: checksum mismatch", bytenr);
  if (header.bytenr != bytenr)
    return make_error(EUCLEAN, "tree block {}: its header says bytenr {}", bytenr, uint64_t{header.bytenr});
  const Uuid fsid = metadata_fsid();
  if (std::memcmp(header.fsid, fsid.bytes.data(), sizeof header.fsid) != 0)
    return make_error(EUCLEAN, "tree block {}: it has the fsid of another file system", bytenr);
  if (expected_generation != 0 && header.generation != expected_generation)
    return make_error(EUCLEAN, "tree block {}: wrong generation, have {} want {}", bytenr,
                      uint64_t{header.generation}, expected_generation);
  if (expected_level >= 0 && header.level != expected_level)
    return make_error(EUCLEAN, "tree block {}: wrong level, have {} want {}", bytenr, header.level,
                      expected_level);
  return check_tree_block(check_context(generation_limit), block);
}

Status Volume::read_tree_block(uint64_t bytenr, MutableByteSpan into, uint64_t expected_generation,
                               int expected_level, uint64_t generation_limit) {
  BF_ASSERT(into.size() == nodesize(), "buffer of {} bytes for a tree block of {}", into.size(), nodesize());
  if (bytenr % sectorsize() != 0)
    return make_error(EUCLEAN, "tree block {} is not aligned to {}", bytenr, sectorsize());
  const int count = copies(bytenr);
  if (count == 0) return make_error(EUCLEAN, "tree block {} is in no chunk", bytenr);
  std::optional<Error> reason;
  for (int mirror = 0; mirror < count; ++mirror) {
    Status status = read(bytenr, into, mirror);
    if (status) status = check_one_copy(bytenr, into, expected_generation, expected_level, generation_limit);
    if (status) return {};
    if (!reason) reason = std::move(status).error();
  }
  return tl::unexpected(std::move(*reason));
}

}  // namespace butterfuse
