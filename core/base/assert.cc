// SPDX-License-Identifier: GPL-2.0-or-later
// Where a broken invariant ends: one line on stderr, then abort() for the core file.
#include "core/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace butterfuse {

void assert_failed(const char* file, int line, const char* condition, std::string_view message) {
  fmt::print(stderr, "butterfuse: {}:{}: invariant broken: {} {}\n", file, line, condition, message);
  std::fflush(stderr);
  std::abort();
}

}  // namespace butterfuse
