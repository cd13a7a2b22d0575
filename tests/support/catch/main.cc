// SPDX-License-Identifier: GPL-2.0-or-later
// The one main() of all Catch2 test executables.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "core/alloc/promise_watch.h"

int main(int argc, char* argv[]) {
  butterfuse::assert_promises();
  return Catch::Session().run(argc, argv);
}
