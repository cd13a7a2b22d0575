// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes: which words are numbers of bytes.
#include "core/base/numbers.h"

#include <catch2/catch.hpp>

namespace butterfuse::numbers_test {

TEST_CASE("a size is a whole number with a unit of base 1024 in any case") {
  CHECK(parse_size("0") == 0u);
  CHECK(parse_size("4096") == 4096u);
  for (const char* text : {"4096b", "4096B", "4096bytes"}) CHECK(parse_size(text) == 4096u);
  for (const char* text : {"1k", "1K", "1kb", "1KB", "1kB", "1KiB", "1kib", "1KIB"})
    CHECK(parse_size(text) == 1024u);
  CHECK(parse_size("1MiB") == 1u << 20);
  CHECK(parse_size("3G") == uint64_t{3} << 30);
  CHECK(parse_size("2t") == uint64_t{2} << 40);
  CHECK(parse_size("2P") == uint64_t{2} << 50);
  CHECK(parse_size("15EiB") == uint64_t{15} << 60);
  CHECK(parse_size("0016k") == 16384u);
}

TEST_CASE("what is no size is refused, and the text is told") {
  for (const char* text : {"",     "k",
                           "-1",   "+1",
                           " 1",   "1 ",
                           "1 k",  "1.5g",
                           "0x10", "1x",
                           "1kk",  "1kbit",
                           "1bib", "1ki",
                           "1mbb", "99999999999999999999",
                           "16e",  "18014398509481984k",
                           "1,5",  "1k1"}) {
    INFO(text);
    CHECK_FALSE(parse_size(text));
    const auto told = parse_size(text, "offset");
    REQUIRE_FALSE(told);
    CHECK(told.error().code == EINVAL);
    CHECK(told.error().message.find("offset '" + std::string(text) + "'") != std::string::npos);
  }
  CHECK(parse_size("18446744073709551615") == UINT64_MAX);
  CHECK_FALSE(parse_size("18446744073709551616"));
}

}  // namespace butterfuse::numbers_test
