// DeviceSpace: which bytes of the device belong to no chunk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "core/base/byte_range.h"
#include "core/volume/volume.h"

namespace butterfuse {

constexpr uint64_t kDeviceReservedBytes = 1u << 20;  // the first MiB is never given to a chunk
constexpr uint64_t kMinChunkBytes = 1u << 20;        // smaller holes are not worth a chunk

// Filled from the stripes of all chunks. Not thread-safe.
class DeviceSpace {
 public:
  explicit DeviceSpace(uint64_t device_bytes) : device_bytes_(device_bytes) {}

  // EUCLEAN when a stripe overlaps another or leaves the device.
  Status add(const ChunkMapping& chunk);
  void remove(const ChunkMapping& chunk);

  // First hole of at least `bytes`, or the largest one there is.
  std::optional<ByteRange> find_hole(uint64_t bytes) const;
  // Bytes of chunks with `copies` stripes each (all in one hole) that the holes could become.
  uint64_t convertible_bytes(int copies) const;
  uint64_t device_bytes() const { return device_bytes_; }

 private:
  template <class Visit>
  void for_each_hole(Visit visit) const;

  const uint64_t device_bytes_;
  mutable std::map<int, uint64_t> convertible_;  // by copies; asked often, changes rarely
  std::map<uint64_t, uint64_t> taken_;           // start -> end, physical
};

}  // namespace butterfuse
