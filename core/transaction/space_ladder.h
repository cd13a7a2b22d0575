// SPDX-License-Identifier: GPL-2.0-or-later
// Space ladder: what is tried, in which order, before ENOSPC is told.
#pragma once

#include <cerrno>
#include <functional>
#include <initializer_list>

#include "core/base/result.h"

namespace butterfuse {

// A rung makes room somewhere; false: there was nothing to do there, and trying again is in vain.
// An error ends it all.
using Rung = std::function<Result<bool>()>;

// The result of `attempt()`, a Result or Status, after as many rungs as it takes: each is climbed only when
// the attempts before ended in ENOSPC. The rungs there are, cheapest first: dirty data is written back, so
// that worst-case promises become exact extents; a commit, which frees what is pinned.
//
// Rungs wait for writeback and commits: hold no handle, tree, page or items lock here.
template <class Attempt>
auto climb_for_space(Attempt&& attempt, std::initializer_list<Rung> rungs) -> decltype(attempt()) {
  auto result = attempt();
  for (const Rung& rung : rungs) {
    if (result || result.error().code != ENOSPC) break;
    const Result<bool> made_room = rung();
    if (!made_room) return tl::unexpected(made_room.error());
    if (*made_room) result = attempt();
  }
  return result;
}

}  // namespace butterfuse
