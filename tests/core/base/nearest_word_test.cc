// SPDX-License-Identifier: GPL-2.0-or-later
// The word somebody may have meant.
#include "core/base/nearest_word.h"

#include <catch2/catch.hpp>

namespace butterfuse::nearest_word_test {

TEST_CASE("a mistyped word finds the one that was meant, and others find none") {
  constexpr std::string_view kWords[] = {"mount", "umount", "mkfs", "check", "scrub", "inspect"};
  CHECK(nearest_word("mont", kWords) == "mount");
  CHECK(nearest_word("unmount", kWords) == "umount");
  CHECK(nearest_word("chekc", kWords) == "check");
  CHECK(nearest_word("sccrub", kWords) == "scrub");
  CHECK(nearest_word("inspekt", kWords) == "inspect");
  CHECK(nearest_word("balance", kWords).empty());
  CHECK(nearest_word("x", kWords).empty());
  CHECK(nearest_word("", kWords).empty());
  CHECK(nearest_word(std::string(100'000, 'm'), kWords).empty());
  CHECK(did_you_mean("mkf", kWords) == "; did you mean 'mkfs'?");
  CHECK(did_you_mean("subvolume", kWords).empty());
}

}  // namespace butterfuse::nearest_word_test
