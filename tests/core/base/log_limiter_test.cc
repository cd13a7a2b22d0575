// SPDX-License-Identifier: GPL-2.0-or-later
// LogLimiter: the first messages come through, floods are counted, and kinds do not hide each other.
#include "core/base/log_limiter.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace butterfuse::log_limiter_test {
using namespace std::chrono_literals;

namespace {

const LogLimiter::Clock::time_point kBegin{1h};

}  // namespace

TEST_CASE("three thousand of one kind leave ten lines, and the number of the others") {
  LogLimiter limiter;
  uint64_t lines = 0;
  for (int i = 0; i < 3000; ++i)
    lines += limiter.admit(fmt::format("tree block {}: checksum mismatch", 4096 * i), kBegin + i * 1ms)
                 .has_value();
  CHECK(lines == 10);
  // Numbers in words of their own are no difference, words are.
  CHECK_FALSE(limiter.admit("tree block 1: checksum mismatch", kBegin + 3s));
  CHECK(limiter.admit("tree block 1: wrong level", kBegin + 3s) == 0u);
  const auto later = limiter.admit("tree block 5: checksum mismatch", kBegin + 20s);
  REQUIRE(later);
  CHECK(*later == 2991);
}

TEST_CASE("a flood that goes on is told of every ten seconds") {
  LogLimiter limiter;
  uint64_t lines = 0, told = 0;
  for (int second = 0; second < 600; ++second)
    for (int i = 0; i < 50; ++i)
      if (const auto left_out = limiter.admit("copy 0 is bad", kBegin + second * 1s + i * 20ms))
        ++lines, told += *left_out;
  CHECK(lines >= 65);
  CHECK(lines <= 70);
  CHECK(lines + told > 600 * 50 - 600);
}

TEST_CASE("of many kinds together no more than two hundred and one a second come through") {
  LogLimiter limiter;
  uint64_t lines = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string name;
    for (int rest = i; rest > 0; rest /= 26) name += static_cast<char>('a' + rest % 26);
    lines += limiter.admit("entry '" + name + "' has no inode", kBegin + i * 1ms).has_value();
  }
  CHECK(lines <= 221);
  CHECK(lines >= 200);
}

TEST_CASE("what was left out can be told at the end, once") {
  LogLimiter limiter;
  for (int i = 0; i < 25; ++i) (void)limiter.admit(fmt::format("read of {} failed", i), kBegin);
  (void)limiter.admit("something else", kBegin);
  std::string told;
  const auto tell = [&] {
    told.clear();
    limiter.tell_left_out(
        [&](uint64_t count, std::string_view sample) { told += fmt::format("{} {};", count, sample); });
    return told;
  };
  CHECK(tell() == "15 read of 9 failed;");
  CHECK(tell() == "");
}

}  // namespace butterfuse::log_limiter_test
