// SPDX-License-Identifier: GPL-2.0-or-later
// ScrubTable: keeping track.
#include "fs/mount/scrub_table.h"

namespace butterfuse {

Status ScrubTable::run(Filesystem& filesystem, uint64_t devid, ByteRange physical, bool repair,
                       ScrubProgress& progress) {
  auto scrub = std::make_shared<Scrub>(filesystem, devid, physical, repair);
  {
    MutexLock lock(mutex_);
    if (closed_) return make_error(ESHUTDOWN, "the file system is being unmounted");
    if (!running_.emplace(devid, scrub).second)
      return make_error(EINPROGRESS, "device {} is being scrubbed", devid);
  }
  Status done = scrub->run();
  progress = scrub->progress();
  MutexLock lock(mutex_);
  running_.erase(devid);
  return done;
}

Result<ScrubProgress> ScrubTable::progress(uint64_t devid) const {
  MutexLock lock(mutex_);
  const auto found = running_.find(devid);
  if (found == running_.end()) return make_error(ENOTCONN, "device {} is not being scrubbed", devid);
  return found->second->progress();
}

Status ScrubTable::stop() {
  MutexLock lock(mutex_);
  if (running_.empty()) return make_error(ENOTCONN, "no device is being scrubbed");
  for (auto& [devid, scrub] : running_) scrub->cancel();
  return {};
}

void ScrubTable::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  for (auto& [devid, scrub] : running_) scrub->cancel();
}

}  // namespace butterfuse
