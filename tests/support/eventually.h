// SPDX-License-Identifier: GPL-2.0-or-later
// eventually: waits for what other threads or the kernel do.
#pragma once

#include <chrono>
#include <thread>

// Whether it comes to hold. How soon says nothing on a machine that is busy with other tests: so a minute is
// waited, and what else could bring it about has to be kept from doing so by the test.
template <class Condition>
bool eventually(Condition condition) {
  for (int tries = 0; tries < 6000 && !condition(); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return condition();
}
