// SPDX-License-Identifier: GPL-2.0-or-later
// ScrubTable: the scrubs that run on a mount, at most one for each device.
#pragma once

#include <map>
#include <memory>

#include "core/base/mutex.h"
#include "core/scrub/scrub.h"

namespace butterfuse {

// Thread-safe: one leaf lock, under which nothing runs. Scrubs last for hours on a worker of the loop, so an
// unmount ends them by close() before it waits for the workers.
class ScrubTable {
 public:
  // Runs it on the calling thread, to its end or until stop(). EINPROGRESS when one runs on the device,
  // ESHUTDOWN after close(). `progress` is filled in whatever the outcome.
  Status run(Filesystem& filesystem, uint64_t devid, ByteRange physical, bool repair,
             ScrubProgress& progress);
  Result<ScrubProgress> progress(uint64_t devid) const;  // ENOTCONN when none runs
  Status stop();                                         // all; ENOTCONN when none runs
  void close();                                          // stops all and starts no more

 private:
  mutable Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<Scrub>> running_ BF_GUARDED_BY(mutex_);
  bool closed_ BF_GUARDED_BY(mutex_) = false;
};

}  // namespace butterfuse
