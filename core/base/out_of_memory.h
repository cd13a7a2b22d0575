// SPDX-License-Identifier: GPL-2.0-or-later
// Running out of memory: where std::bad_alloc becomes an Error.
#pragma once

#include <new>

#include "core/base/result.h"

namespace butterfuse {

// work()'s result, or ENOMEM when memory ran out in it. What it had begun must be given back, or never be
// committed, by what its unwinding runs: a transaction handle forbids the commit then
// (transaction_handle.cc).
template <class Work>
auto or_no_memory(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return make_error(ENOMEM, "no memory");  // short: it needs none itself
  }
}

}  // namespace butterfuse
