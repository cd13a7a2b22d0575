// SPDX-License-Identifier: GPL-2.0-or-later
// Stalling: how a thread waits for pages and ordered extents, and how a test takes the place of that wait.
#pragma once

#include <functional>

#include "core/base/mutex.h"

namespace butterfuse {

// Called, with no lock held, instead of sleeping. Tests run the next task of their executor here, so
// that a single-threaded test can meet every wait of the pipeline on a schedule it chose. Empty in
// production: sleep.
using StallHook = std::function<void()>;

// Returns when ready() holds. ready() is called under `mutex` and may take what it waited for.
template <class Ready>
void wait_until(Mutex& mutex, CondVar& changed, const StallHook& stall,
                Ready ready) BF_NO_THREAD_SAFETY_ANALYSIS {
  for (;;) {
    {
      MutexLock lock(mutex);
      if (!stall) {
        while (!ready()) changed.wait(lock);
        return;
      }
      if (ready()) return;
    }
    stall();
  }
}

}  // namespace butterfuse
