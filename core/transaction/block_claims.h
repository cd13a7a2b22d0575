// SPDX-License-Identifier: GPL-2.0-or-later
// BlockClaims: who is copying-on-write a tree block that several trees may share.
#pragma once

#include <cstdint>
#include <set>

#include "core/base/mutex.h"

namespace butterfuse {

// Tree locks don't protect a block that two trees share. Without a claim, two copies at once would both see
// two references, both add references for the children, and leave the block without any: its children's
// references would leak. So the time from looking up the references to dropping one belongs to one handle. A
// claim's holder waits for nobody who could wait for a claim.
class BlockClaims {
 public:
  void claim(uint64_t bytenr) {
    MutexLock lock(mutex_);
    while (!claimed_.insert(bytenr).second) released_.wait(lock);
  }
  void release(uint64_t bytenr) {
    MutexLock lock(mutex_);
    claimed_.erase(bytenr);
    released_.notify_all();
  }

 private:
  Mutex mutex_;
  CondVar released_;
  std::set<uint64_t> claimed_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
