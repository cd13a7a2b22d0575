// SPDX-License-Identifier: GPL-2.0-or-later
// Layout: where the first chunks of a new file system lie, and which of their blocks are taken.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/base/byte_range.h"
#include "core/mkfs/mkfs_options.h"
#include "core/volume/chunk_mapping.h"

namespace butterfuse {

struct PlannedChunk : ChunkMapping {
  std::vector<ByteRange> taken;  // logical, in order: the tree blocks in it

  uint64_t used_bytes() const;
  std::vector<ByteRange> free_ranges() const;  // logical, in order, merged
};

// System, data and metadata chunk, one behind the other from 1 MiB, in the logical space and on each device
// that has stripes of them. Devices are counted from 1, as their devids.
//
//   device:  | 1 MiB reserved | system | system copy | data | metadata | metadata copy | unallocated ...
//
// The chunks are final: mkfs.btrfs starts on temporary ones; here nothing is moved, and nothing left over.
class Layout {
 public:
  Layout(const MkfsOptions& options, uint64_t device_bytes) : Layout(options, std::vector{device_bytes}) {}
  // REQUIRES: check_mkfs_options.
  Layout(const MkfsOptions& options, const std::vector<uint64_t>& device_bytes);

  const std::vector<PlannedChunk>& chunks() const { return chunks_; }  // by logical start
  // REQUIRES that there is one.
  const PlannedChunk& chunk_of(uint64_t bytenr) const;
  uint64_t device_bytes_used(uint64_t devid) const { return devices_[devid - 1].end - kFirstPhysical; }
  // Tells the chunks' stripes the uuids of their devices, by devid - 1.
  void set_device_uuids(const std::vector<Uuid>& uuids);

  // Takes the next block of the chunk of that type; no copy of it touches a superblock mirror. REQUIRES that
  // the chunk has room: it has for all trees of a new file system.
  uint64_t take_block(uint64_t type, uint32_t nodesize);

 private:
  static constexpr uint64_t kFirstPhysical = 1 << 20;  // btrfs gives out nothing below it
  struct Device {
    uint64_t devid, bytes;
    uint64_t end = kFirstPhysical;  // where its next stripe goes
    uint64_t room() const { return bytes - std::min(bytes, end); }
  };
  std::vector<Device*> devices_for(const RaidProfile& profile);
  void add_chunk(uint64_t type, MkfsProfile profile, uint64_t stripe_bytes);

  std::vector<PlannedChunk> chunks_;
  std::vector<Device> devices_;
  uint64_t logical_end_ = kFirstPhysical;  // where the next chunk goes
};

}  // namespace butterfuse
