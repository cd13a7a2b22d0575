// SPDX-License-Identifier: GPL-2.0-or-later
// SourceWait: what is believed of who has a source, and when waiting ends.
#include "core/device/source_wait.h"

#include <catch2/catch.hpp>
#include <cerrno>

namespace butterfuse::source_wait_test {

constexpr uint32_t kLong = 60'000;

TEST_CASE("who has a source for good is not waited for") {
  int attempts = 0;
  const int code = retry_while_busy(
      "img", kLong, {.run = [&] { return ++attempts > 2 ? 0 : EBUSY; }, .is_for_good = [] { return true; }});
  CHECK(code == EBUSY);
  CHECK(attempts == 2);
}

TEST_CASE("who ended while it was looked for is not taken for one that stays") {
  bool has_ended = false;
  const int code = retry_while_busy("img", kLong,
                                    {.run = [&] { return has_ended ? 0 : EBUSY; },
                                     .is_for_good =
                                         [&] {
                                           // Its mount was seen, itself no more.
                                           has_ended = true;
                                           return true;
                                         }});
  CHECK(code == 0);
}

TEST_CASE("a look that takes back what the one before has said is waited with") {
  int looks = 0, attempts = 0;
  const int code = retry_while_busy(
      "img", kLong,
      {.run = [&] { return ++attempts > 4 ? 0 : EBUSY; }, .is_for_good = [&] { return ++looks == 1; }});
  CHECK(code == 0);
  CHECK(looks == 2);
}

TEST_CASE("nobody is waited for longer than was said") {
  int attempts = 0;
  const SourceAttempt busy{.run = [&] { return ++attempts, EBUSY; }, .is_for_good = [] { return false; }};
  CHECK(retry_while_busy("img", 0, busy) == EBUSY);
  CHECK(attempts == 1);
  CHECK(retry_while_busy("img", 120, busy) == EBUSY);
  CHECK(attempts > 2);
}

TEST_CASE("what is no matter of waiting is said at once") {
  int attempts = 0;
  const int code = retry_while_busy(
      "img", kLong, {.run = [&] { return ++attempts, ENOENT; }, .is_for_good = [] { return false; }});
  CHECK(code == ENOENT);
  CHECK(attempts == 1);
}

}  // namespace butterfuse::source_wait_test
