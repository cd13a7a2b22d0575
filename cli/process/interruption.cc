// SPDX-License-Identifier: GPL-2.0-or-later
// Interruption: one flag.
#include "cli/process/interruption.h"

#include <signal.h>

#include <initializer_list>

#include "core/device/source_wait.h"

namespace butterfuse {
namespace {

volatile sig_atomic_t is_requested = 0;

}  // namespace

// Without SA_RESTART: read(2) of a question and a wait for a lock end with EINTR, and whoever
// waits asks requested().
void Interruption::watch() {
  set_source_wait_interruption(Interruption::requested);
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) { is_requested = 1; };
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    ::sigaction(number, &action, nullptr);
  }
}

bool Interruption::requested() { return is_requested != 0; }

}  // namespace butterfuse
