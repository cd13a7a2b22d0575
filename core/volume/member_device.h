// MemberDevice: one device of a file system, as its chunk tree knows it, present or missing.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "core/base/uuid.h"
#include "core/device/block_device.h"
#include "core/ondisk/format.h"

namespace butterfuse {

// What went wrong with a device since it was opened.
struct DeviceErrors {
  std::atomic<uint64_t> read{0}, write{0}, flush{0};
  std::atomic<uint64_t> corruption{0};  // copies that were read, but were not what they should be
  std::atomic<uint64_t> repaired{0};    // of those, written anew
};

// Made while the volume is opened and constant from then on, but for `item`, which belongs to the commit, and
// the counters.
struct MemberDevice {
  uint64_t devid = 0;
  Uuid uuid;
  std::unique_ptr<BlockDevice> device;  // null: missing
  DiskDevItem item{};                   // its DEV_ITEM
  uint64_t generation = 0;              // of the superblock found on it
  bool seed = false;                    // of the file system this one sprouted from: never written
  bool stale = false;                   // it missed commits: its copies may be of the past
  bool has_item = false;                // the chunk tree has a DEV_ITEM of it
  DeviceErrors errors;

  bool missing() const { return device == nullptr; }
  bool writable() const { return device != nullptr && !seed && !device->read_only(); }
  std::string name() const { return device ? device->path() : "missing device"; }
};

}  // namespace butterfuse
