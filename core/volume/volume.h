// Volume: the address space of one file system, logical bytenrs mapped to devices with copies.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/mutex.h"
#include "core/base/result.h"
#include "core/base/uuid.h"
#include "core/device/block_device.h"
#include "core/ondisk/format.h"
#include "core/ondisk/tree_checker.h"

namespace butterfuse {

struct ChunkStripe {
  uint64_t devid = 0;
  uint64_t physical = 0;  // byte offset on the device
  Uuid dev_uuid;
};

// One chunk: logical [start, start + length). Immutable once in the map.
struct ChunkMapping {
  uint64_t start = 0;
  uint64_t length = 0;
  uint64_t type = 0;  // bg:: flags
  std::vector<ChunkStripe> stripes;
  int copies() const {
    return static_cast<int>(stripes.size());
  }  // 1 for single, 2 for dup; others are refused
};

// Owns the device. Thread-safe. The chunk map has a lock of its own (innermost: taken with any other held).
// Bytenrs are logical; a range must lie in one chunk.
class Volume {
 public:
  // Reads all superblock mirrors, keeps the valid one of the highest generation, fills the chunk map from
  // sys_chunk_array (the chunk tree is the caller's work: decode_chunk and add_chunk for each of its items).
  // Refuses in one line with the reason: not btrfs, no valid superblock, several devices, unknown incompat
  // bits, non-4K sectors, metadata dumps, device smaller than dev_item.total_bytes, profiles other than
  // single and dup.
  static Result<std::unique_ptr<Volume>> open(std::unique_ptr<BlockDevice> device);

  const DiskSuper& super() const { return super_; }  // as read at open
  BlockDevice& device() { return *device_; }
  uint32_t nodesize() const { return super_.nodesize; }
  uint32_t sectorsize() const { return super_.sectorsize; }
  CsumType csum_type() const { return static_cast<CsumType>(uint16_t{super_.csum_type}); }
  uint32_t csum_size_bytes() const { return static_cast<uint32_t>(csum_size(csum_type())); }
  bool seeding() const { return super_.flags & super_flag::kSeeding; }  // must never be written
  Uuid metadata_fsid() const;                                           // what tree block headers carry
  Uuid chunk_tree_uuid() const;  // from the chunk root's header; set by set_chunk_tree_uuid
  void set_chunk_tree_uuid(const Uuid& uuid);

  // EEXIST when it overlaps another; EUCLEAN for a bad one, ENOTSUP for a profile other than single and dup.
  Status add_chunk(ChunkMapping chunk);
  void remove_chunk(uint64_t start);
  std::shared_ptr<const ChunkMapping> chunk_at(uint64_t bytenr) const;  // null when unmapped
  std::vector<std::shared_ptr<const ChunkMapping>> chunks() const;      // by start

  int copies(uint64_t bytenr) const;  // 0 when unmapped
  // `mirror` counts from 0 below copies(). A range must not cross its chunk's end. EIO, or EUCLEAN if
  // unmapped.
  Status read(uint64_t bytenr, MutableByteSpan into, int mirror);
  Status write(uint64_t bytenr, ByteSpan from, WriteKind kind);  // all copies
  Status write_gather(uint64_t bytenr, const std::vector<ByteSpan>& pieces, WriteKind kind);
  void start_writeback(uint64_t bytenr, uint64_t length);
  void discard(uint64_t bytenr, uint64_t length);
  Status flush();

  // Reads one tree block into `into` (nodesize bytes) and checks checksum, bytenr, fsid, level, generation
  // and tree_checker; tries every copy. Rewrites nothing. `expected_generation` 0: any up to
  // `generation_limit`; `expected_level` -1: any. EIO or EUCLEAN with the reason of the first copy when none
  // is good.
  Status read_tree_block(uint64_t bytenr, MutableByteSpan into, uint64_t expected_generation,
                         int expected_level, uint64_t generation_limit);
  // How much tree_checker asks of blocks; offline repair and dumps choose `structure`.
  void set_check_depth(TreeCheckDepth depth) { check_depth_ = depth; }
  // For judging a block or item of this file system by hand.
  TreeCheckContext check_context(uint64_t generation_limit) const;

  // Fills in bytenr and csum and writes every mirror that fits the device, in the order 0, 1, 2. Fails at the
  // first that cannot be written. Does not flush.
  Status write_supers(const DiskSuper& super);

 private:
  explicit Volume(std::unique_ptr<BlockDevice> device) : device_(std::move(device)) {}
  std::unique_ptr<BlockDevice> device_;
  Status load_sys_chunk_array();
  Status check_one_copy(uint64_t bytenr, ByteSpan block, uint64_t expected_generation, int expected_level,
                        uint64_t generation_limit) const;
  // The chunk that holds the whole range, or EUCLEAN.
  Result<std::shared_ptr<const ChunkMapping>> chunk_of_range(uint64_t bytenr, uint64_t length) const;

  DiskSuper super_{};
  std::atomic<TreeCheckDepth> check_depth_{TreeCheckDepth::full};
  mutable SharedMutex mutex_;
  std::map<uint64_t, std::shared_ptr<const ChunkMapping>> chunks_ BF_GUARDED_BY(mutex_);
  Uuid chunk_tree_uuid_ BF_GUARDED_BY(mutex_);
};

// Decodes a CHUNK_ITEM that passed check_chunk_item.
ChunkMapping decode_chunk(const Key& key, ByteSpan item);

}  // namespace butterfuse
