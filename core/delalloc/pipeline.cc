// SPDX-License-Identifier: GPL-2.0-or-later
// Pipeline: the hard limit of the page cache.
#include "core/delalloc/pipeline.h"

#include <chrono>
#include <thread>

namespace butterfuse {

void Pipeline::wait_for_memory(uint64_t pages) {
  constexpr int kMostWaits = 500;  // of 2 ms: a second
  for (int waits = 0; !cache.make_room(pages) && waits < kMostWaits; ++waits) {
    if (stall) return;  // a test's cache is as large as it needs
    if (kick_writeback) kick_writeback();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace butterfuse
