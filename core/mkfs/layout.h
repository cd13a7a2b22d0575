// Layout: where the first chunks of a new file system lie, and which of their blocks are taken.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/byte_range.h"
#include "core/mkfs/mkfs_options.h"

namespace butterfuse {

struct PlannedChunk {
  uint64_t start = 0;              // logical
  uint64_t length = 0;             // of each copy
  uint64_t type = 0;               // bg:: flags
  std::vector<uint64_t> physical;  // where the copies start on the device
  std::vector<ByteRange> taken;    // logical, in order: the tree blocks in it

  uint64_t used_bytes() const;
  std::vector<ByteRange> free_ranges() const;  // logical, in order, merged
};

// System, data and metadata chunk, one behind the other from 1 MiB, on the device and in the logical space.
//
//   device:  | 1 MiB reserved | system | system copy | data | metadata | metadata copy | unallocated ...
//
// The chunks are final: unlike mkfs.btrfs, which starts on temporary ones, nothing is moved and nothing is
// left over.
class Layout {
 public:
  Layout(const MkfsOptions& options, uint64_t total_bytes);

  const std::vector<PlannedChunk>& chunks() const { return chunks_; }  // by logical start
  const PlannedChunk& chunk_of(uint64_t bytenr) const;
  uint64_t device_bytes_used() const { return device_end_ - kFirstPhysical; }

  // Takes the next block of a chunk of that type; no copy of it touches a superblock mirror.
  uint64_t take_block(uint64_t type, uint32_t nodesize);

 private:
  static constexpr uint64_t kFirstPhysical = 1 << 20;  // btrfs gives out nothing below it
  void add_chunk(uint64_t type, MkfsProfile profile, uint64_t length);

  std::vector<PlannedChunk> chunks_;
  uint64_t device_end_ = kFirstPhysical;   // where the next copy goes
  uint64_t logical_end_ = kFirstPhysical;  // where the next chunk goes
};

}  // namespace butterfuse
