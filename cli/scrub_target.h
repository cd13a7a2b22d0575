// SPDX-License-Identifier: GPL-2.0-or-later
// ScrubTarget: what is scrubbed: a mount, by ioctls of its root, or images and devices that are not mounted.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/device/window_device.h"
#include "core/scrub/scrub.h"

namespace butterfuse {

struct ScrubDevice {
  uint64_t devid = 0;
  uint64_t bytes_used = 0;
  std::string path;  // empty: the device is missing
};

struct ScrubWishes {
  std::vector<std::string> sources;  // one directory of a mount, or images and devices
  DeviceWindow window;               // of each of them
  bool repair = true;
  bool degraded = false;  // images or devices may be missing; what mounts them has said so for a mount
};

class ScrubTarget {
 public:
  virtual ~ScrubTarget() = default;
  virtual std::string fsid() const = 0;
  virtual std::vector<ScrubDevice> devices() const = 0;
  // From byte `from` of the device to its end, or until cancel(). progress().last_physical says how far it
  // got. ENODEV: the device is missing, or was lost.
  virtual Result<ScrubProgress> run(uint64_t devid, uint64_t from) = 0;
  virtual ScrubProgress progress(uint64_t devid) = 0;  // of a run in another thread
  virtual void cancel() = 0;
  virtual Status close() = 0;
};

// EINVAL, and as Volume::open.
Result<std::unique_ptr<ScrubTarget>> open_scrub_target(const ScrubWishes& wishes);

}  // namespace butterfuse
