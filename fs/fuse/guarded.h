// SPDX-License-Identifier: GPL-2.0-or-later
// guarded: an operation that answers ENOMEM when memory runs out, instead of throwing through libfuse.
#pragma once

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

#include <new>

namespace butterfuse {

// Answers ENOMEM unless the request has its answer, or wants none.
void reply_no_memory(fuse_req_t request);

template <auto operation>
struct Guard;

template <class... Arguments, void (*operation)(fuse_req_t, Arguments...)>
struct Guard<operation> {
  static void call(fuse_req_t request, Arguments... arguments) {
    try {
      operation(request, arguments...);
    } catch (const std::bad_alloc&) {
      reply_no_memory(request);
    }
  }
};

// For the table of operations.
template <auto operation>
constexpr auto guarded = &Guard<operation>::call;

}  // namespace butterfuse
