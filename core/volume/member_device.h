// SPDX-License-Identifier: GPL-2.0-or-later
// MemberDevice: one device of a file system, as its chunk tree knows it, present or missing.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
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

// As they are kept on disk: all that ever went wrong with a device, since somebody last set them to zero.
struct DeviceTotals {
  uint64_t write = 0, read = 0, flush = 0, corruption = 0, generation = 0;
  friend bool operator==(const DeviceTotals&, const DeviceTotals&) = default;
};

// Made while the volume is opened and constant from then on, but for `item`, `totals_on_disk` and
// `super_generation`, which belong to the commit, `resynced`, which is set before anybody writes, and what is
// atomic: the counters, `lost` and `missed_writes`.
struct MemberDevice {
  uint64_t devid = 0;
  Uuid uuid;
  std::unique_ptr<BlockDevice> device;  // null: missing
  DiskDevItem item{};                   // its DEV_ITEM
  uint64_t generation = 0;              // of the superblock found on it
  bool seed = false;                    // of the file system this one sprouted from: never written
  bool stale = false;                   // it missed commits: its copies may be of the past
  bool resynced = false;                // stale, but what nobody could see was copied (core/scrub/resync.h)
  bool has_item = false;                // the chunk tree has a DEV_ITEM of it
  // A write or flush failed, and all chunks can do without it: never written again (device_loss.cc). Stays.
  std::atomic<bool> lost{false};
  std::atomic<bool> missed_writes{false};    // a write failed, but a chunk needs it: in use all the same
  std::atomic<uint32_t> failed_reads{0};     // in a row
  std::optional<uint64_t> super_generation;  // of its superblock mirror 0, if that is sound and known
  DeviceErrors errors;
  DeviceTotals totals_on_disk;
  std::array<std::atomic<uint64_t>, 5> before{};  // `errors` is counted on top of these, modulo 2^64

  DeviceTotals totals() const {
    return {before[0] + errors.write, before[1] + errors.read, before[2] + errors.flush,
            before[3] + errors.corruption, before[4]};
  }
  void set_totals(const DeviceTotals& totals) {
    before[0] = totals.write - errors.write, before[1] = totals.read - errors.read;
    before[2] = totals.flush - errors.flush, before[3] = totals.corruption - errors.corruption;
    before[4] = totals.generation;
  }
  bool missing() const { return device == nullptr; }
  bool writable() const { return device != nullptr && !seed && !lost && !device->read_only(); }
  // Whether its superblock may call it current.
  bool takes_supers() const { return writable() && (!stale || resynced); }
  // Its copies are asked last: they may be of the past, or the device does not answer.
  bool doubtful() const { return stale || lost || failed_reads >= kFailedReadsMax; }
  // Then it is asked last, and each read of it may cost the time that a dying disk takes to give up.
  static constexpr uint32_t kFailedReadsMax = 16;  // in a row: more than a few bad sectors
  std::string name() const { return device ? device->path() : "missing device"; }
};

}  // namespace butterfuse
