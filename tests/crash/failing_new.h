// SPDX-License-Identifier: GPL-2.0-or-later
// FailingNew: operator new of this program, which can be told to run out of memory at one call.
#pragma once

#include <cstdint>

namespace butterfuse::crash {

// While one lives, the thread's allocations are counted, and the one with number `fail_at` (from 1; 0: none),
// counted on from the thread's last restart(), throws std::bad_alloc.
class FailingNew {
 public:
  FailingNew();
  ~FailingNew();
  FailingNew(const FailingNew&) = delete;
  FailingNew& operator=(const FailingNew&) = delete;

  static void restart(uint64_t fail_at);
  static uint64_t count();
};

}  // namespace butterfuse::crash
