// SPDX-License-Identifier: GPL-2.0-or-later
// CommitThread: commits every so often, and when asked.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "core/base/mutex.h"

namespace butterfuse {

class CommitThread {
 public:
  // `commit` is called on the thread; it reports its own errors.
  CommitThread(uint32_t interval_s, std::function<void()> commit);
  ~CommitThread();  // stops and joins
  void request();
  void set_interval(uint32_t seconds);  // 0: only on request

 private:
  void run();
  bool wait_for_work();  // false: stop

  const std::function<void()> commit_;
  Mutex mutex_;
  CondVar wake_;
  uint32_t interval_s_ BF_GUARDED_BY(mutex_);
  bool requested_ BF_GUARDED_BY(mutex_) = false;
  bool interval_changed_ BF_GUARDED_BY(mutex_) = false;
  bool stopping_ BF_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace butterfuse
