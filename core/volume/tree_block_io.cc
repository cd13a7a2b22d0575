// SPDX-License-Identifier: GPL-2.0-or-later
// Tree blocks: checked before anyone sees them, and brought back where a copy is bad.
// The generation that the parent names is the one check against a write that never reached the device: an old
// block at the same place is whole in itself.
#include <cerrno>
#include <cstring>
#include <optional>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/ondisk/leaf_view.h"
#include "core/volume/volume.h"

namespace butterfuse {

// Blocks that a sprout has from its seed still carry the seed's.
bool Volume::is_block_fsid(const uint8_t (&fsid)[16]) const {
  const Uuid own = metadata_fsid();
  if (std::memcmp(fsid, own.bytes.data(), sizeof fsid) == 0) return true;
  for (const MemberDevice* device : member_list_)
    if (device->seed && std::memcmp(fsid, device->item.fsid, sizeof fsid) == 0) return true;
  return false;
}

Status Volume::check_one_copy(uint64_t bytenr, ByteSpan block, uint64_t expected_generation,
                              int expected_level, uint64_t generation_limit) const {
  const DiskHeader& header = header_of(block);
  const CsumValue csum = checksum(csum_type(), block.subspan(sizeof header.csum));
  if (std::memcmp(csum.data(), header.csum, csum_size_bytes()) != 0)
    return make_error(EUCLEAN, "tree block {}: checksum mismatch", bytenr);
  return check_but_csum(bytenr, block, expected_generation, expected_level, generation_limit);
}

Status Volume::check_but_csum(uint64_t bytenr, ByteSpan block, uint64_t expected_generation,
                              int expected_level, uint64_t generation_limit) const {
  const DiskHeader& header = header_of(block);
  if (header.bytenr != bytenr)
    return make_error(EUCLEAN, "tree block {}: its header says bytenr {}", bytenr, uint64_t{header.bytenr});
  if (!is_block_fsid(header.fsid))
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
  std::vector<int> bad;
  for (int mirror : mirror_order(bytenr, true)) {
    Status status = read(bytenr, into, mirror);
    const bool was_read = status.has_value();
    if (status) status = check_one_copy(bytenr, into, expected_generation, expected_level, generation_limit);
    if (status) {
      // Without a generation to expect, an intact block may be an old one.
      if (reason && expected_generation != 0) repair_tree_block(bytenr, into, bad, *reason);
      return {};
    }
    if (was_read && expected_generation != 0) note_bad_copy(bytenr, mirror);
    bad.push_back(mirror);
    if (!reason) reason = std::move(status).error();
  }
  if (ignore_metadata_csums_) {
    for (int mirror : bad) {
      if (!read(bytenr, into, mirror) ||
          !check_but_csum(bytenr, into, expected_generation, expected_level, generation_limit))
        continue;
      log(LogLevel::warning, "{}; used all the same", reason->message);
      return {};
    }
  }
  return tl::unexpected(std::move(*reason));
}

// In RAID6 mirror 1 uses P, and the last one distrusts P and uses Q (of up to kMostRaid6Ways stripes).
std::vector<int> Volume::distinct_mirrors(const ChunkMapping& chunk) {
  if (chunk.type & bg::kRaid6) return {0, 1, chunk.copies() - 1};
  std::vector<int> mirrors;
  for (int mirror = 0; mirror < chunk.copies(); ++mirror) mirrors.push_back(mirror);
  return mirrors;
}

Status Volume::check_tree_block_copy(uint64_t bytenr, int mirror, uint64_t expected_generation,
                                     int expected_level, uint64_t generation_limit) {
  std::vector<std::byte> block(nodesize());
  if (Status status = read(bytenr, block, mirror); !status)
    return make_error(EIO, "{}", status.error().message);
  return check_one_copy(bytenr, block, expected_generation, expected_level, generation_limit);
}

int Volume::bad_tree_block_copies(uint64_t bytenr, uint64_t expected_generation, int expected_level,
                                  uint64_t generation_limit) {
  const auto chunk = chunk_at(bytenr);
  if (!chunk) return 0;
  int bad = 0;
  for (int mirror : distinct_mirrors(*chunk))
    bad += !check_tree_block_copy(bytenr, mirror, expected_generation, expected_level, generation_limit);
  return bad;
}

void Volume::repair_tree_block(uint64_t bytenr, ByteSpan block, const std::vector<int>& bad,
                               const Error& reason) {
  for (int mirror : bad) {
    const bool repaired = repair_copy(bytenr, block, mirror, WriteKind::metadata);
    // Of what can't be read at all the device's errors tell.
    if ((repaired || repairs_) && reason.code != EIO)
      log(LogLevel::warning, "{}; copy {} of tree block {} {}", reason.message, mirror, bytenr,
          repaired ? "was repaired from another" : "can't be repaired, another is good");
  }
}

}  // namespace butterfuse
