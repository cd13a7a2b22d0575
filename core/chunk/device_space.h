// SPDX-License-Identifier: GPL-2.0-or-later
// DeviceSpace: which bytes of the devices belong to no chunk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/base/byte_range.h"
#include "core/volume/volume.h"

namespace butterfuse {

constexpr uint64_t kDeviceReservedBytes = 1u << 20;  // the first MiB is never given to a chunk
constexpr uint64_t kMinChunkBytes = 1u << 20;        // smaller holes are not worth a stripe

// The holes of one device. Not thread-safe.
class DeviceHoles {
 public:
  DeviceHoles(uint64_t devid, Uuid uuid, uint64_t bytes, bool usable)
      : devid_(devid), uuid_(uuid), bytes_(bytes), usable_(usable) {}

  uint64_t devid() const { return devid_; }
  const Uuid& uuid() const { return uuid_; }
  uint64_t bytes() const { return bytes_; }
  bool usable() const { return usable_; }  // for new chunks: neither missing nor a seed
  uint64_t taken_bytes() const { return taken_bytes_; }
  bool lost() const { return lost_; }
  void set_lost() { lost_ = true; }

  bool take(ByteRange range);  // false when it overlaps another or leaves the device
  void give_back(uint64_t start);
  // First hole of at least `bytes`, or the largest one there is.
  std::optional<ByteRange> find(uint64_t bytes) const;
  std::vector<uint64_t> lengths() const;  // of the holes, aligned to stripes
  // The first hole at or behind `from`, cut to at_most; empty: none.
  ByteRange next_hole(uint64_t from, uint64_t at_most) const;

 private:
  template <class Visit>
  void for_each_hole(Visit visit) const;

  uint64_t devid_;
  Uuid uuid_;
  uint64_t bytes_;
  bool usable_;
  bool lost_ = false;  // since it was opened; usable all the same where copies on others make up for it
  uint64_t taken_bytes_ = 0;
  std::map<uint64_t, uint64_t> taken_;  // start -> end, physical
};

// All devices of a file system, filled from the stripes of all chunks. Not thread-safe.
class DeviceSpace {
 public:
  void add_device(uint64_t devid, const Uuid& uuid, uint64_t bytes, bool usable = true);

  // New chunks then have as few stripes there as can be, and no more than their profile tolerates.
  void set_lost(uint64_t devid);

  // EUCLEAN when a stripe overlaps another or leaves its device.
  Status add(const ChunkMapping& chunk);
  void remove(const ChunkMapping& chunk);

  // Keeps a hole from becoming a chunk until it is given back by its start. REQUIRES it to be one.
  void hold_hole(uint64_t devid, ByteRange hole);
  void give_back_hole(uint64_t devid, uint64_t start);

  const std::vector<DeviceHoles>& devices() const { return devices_; }
  // Bytes of chunks of this profile that the holes could become.
  uint64_t convertible_bytes(uint64_t type) const;
  uint64_t usable_bytes() const;  // size of the devices that new chunks may use
  uint64_t usable_devices() const;

 private:
  DeviceHoles* device(uint64_t devid);

  std::vector<DeviceHoles> devices_;                  // by devid
  mutable std::map<uint64_t, uint64_t> convertible_;  // by profile; asked often, changes rarely
};

}  // namespace butterfuse
