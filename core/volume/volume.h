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
  int copies() const;  // 1 for single, 2 for dup; other profiles are refused at open
};

// Thread-safe. The chunk map is its own lock (innermost: taken with any other held).
class Volume {
 public:
  // Reads all superblock mirrors, keeps the valid one of the highest generation, fills the chunk map from
  // sys_chunk_array. Refuses (one line, reason): not btrfs, no valid superblock, several devices, unknown
  // incompat bits, non-4K sectors, device smaller than dev_item.total_bytes, profiles other than single/dup.
  static Result<std::unique_ptr<Volume>> open(std::unique_ptr<BlockDevice> device);

  const DiskSuper& super() const { return super_; }  // as read at open
  BlockDevice& device() { return *device_; }
  uint32_t nodesize() const { return super_.nodesize; }
  uint32_t sectorsize() const { return super_.sectorsize; }
  CsumType csum_type() const { return static_cast<CsumType>(uint16_t{super_.csum_type}); }
  Uuid metadata_fsid() const;    // what tree block headers carry
  Uuid chunk_tree_uuid() const;  // from the chunk root's header; set by set_chunk_tree_uuid
  void set_chunk_tree_uuid(const Uuid& uuid);

  // EEXIST when it overlaps; EINVAL for a bad one.
  Status add_chunk(ChunkMapping chunk);
  void remove_chunk(uint64_t start);
  std::shared_ptr<const ChunkMapping> chunk_at(uint64_t bytenr) const;  // null when unmapped
  std::vector<std::shared_ptr<const ChunkMapping>> chunks() const;      // by start

  int copies(uint64_t bytenr) const;  // 0 when unmapped
  // `mirror` counts from 0 below copies(). A range must not cross its chunk's end. EIO, or EUCLEAN if unmapped.
  Status read(uint64_t bytenr, MutableByteSpan into, int mirror);
  Status write(uint64_t bytenr, ByteSpan from, WriteKind kind);  // all copies
  Status write_gather(uint64_t bytenr, const std::vector<ByteSpan>& pieces, WriteKind kind);
  void start_writeback(uint64_t bytenr, uint64_t length);
  void discard(uint64_t bytenr, uint64_t length);
  Status flush();

  // Reads one tree block and checks checksum, bytenr, fsid and tree_checker; tries every copy. `expected_generation`
  // 0: any not younger than the limit; `expected_level` -1: any; `expected_owner` 0: any.
  // Rewrites nothing. EIO/EUCLEAN with the reason of the last copy when none is good.
  Status read_tree_block(uint64_t bytenr, MutableByteSpan into, uint64_t expected_generation, int expected_level,
                         uint64_t generation_limit);

  // Fills in bytenr and csum and writes every mirror that fits the device. Mirror 0 last? No: in order 0, 1, 2.
  Status write_supers(const DiskSuper& super);

 private:
  explicit Volume(std::unique_ptr<BlockDevice> device) : device_(std::move(device)) {}
  std::unique_ptr<BlockDevice> device_;
  DiskSuper super_{};
  mutable SharedMutex mutex_;
  std::map<uint64_t, std::shared_ptr<const ChunkMapping>> chunks_ BF_GUARDED_BY(mutex_);
  Uuid chunk_tree_uuid_ BF_GUARDED_BY(mutex_);
};

// Decodes a CHUNK_ITEM that passed check_chunk_item.
ChunkMapping decode_chunk(const Key& key, ByteSpan item);

}  // namespace butterfuse
