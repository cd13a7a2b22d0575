// SPDX-License-Identifier: GPL-2.0-or-later
// PromiseWatch: a broken promise is told with its numbers.
#include "core/alloc/promise_watch.h"

#include <atomic>
#include <cstdlib>

#include "core/base/assert.h"
#include "core/base/log.h"

namespace butterfuse {
namespace {

std::atomic<bool>& asserted() {
  static std::atomic<bool> on{std::getenv("BUTTERFUSE_ASSERT_PROMISES") != nullptr};
  return on;
}

}  // namespace

void assert_promises() { asserted() = true; }

void check_promise(uint64_t taken, uint64_t promised, std::string_view who) {
  if (taken <= promised) [[likely]]
    return;
  BF_ASSERT(!asserted(), "{} took {} bytes of tree blocks, {} were promised", who, taken, promised);
  log(LogLevel::error, "{} took {} bytes of tree blocks, {} were promised: please report this", who, taken,
      promised);
}

}  // namespace butterfuse
