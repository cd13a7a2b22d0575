// SPDX-License-Identifier: GPL-2.0-or-later
// ProgressLine: what is drawn on a terminal, and that nothing is elsewhere.
#include "cli/process/progress.h"

#include <catch2/catch.hpp>

#include "tests/cli/process/printed.h"

namespace butterfuse::progress_test {
namespace {

const std::string kErased = "\r\x1b[K";

}  // namespace

TEST_CASE("where nobody looks nothing is drawn, nor erased") {
  CHECK(printed([] {
          ProgressLine line("checking", false);
          line.show("extents", 0);
          line.show("files", 0.5);
          line.clear();
        }) == "");
}

TEST_CASE("each phase is drawn as it begins, over the one before it, and the line is erased at the end") {
  CHECK(printed([] {
          ProgressLine line("checking", true);
          line.show("extents", 0);
          line.show("files", 0.256);
          line.show("files and more", 1);
        }) == kErased + "[checking] extents ..." + kErased + "[checking] files: 26 %" + kErased +
                  "[checking] files and more: 100 %" + kErased);
}

TEST_CASE("within a phase a line is not drawn anew each time") {
  const std::string text = printed([] {
    ProgressLine line("checking", true);
    for (int i = 1; i <= 1000; ++i) line.show("files", i / 1001.0);
  });
  size_t drawn = 0;
  for (size_t at = text.find("[checking]"); at != text.npos; at = text.find("[checking]", at + 1)) ++drawn;
  CHECK(drawn >= 1);
  CHECK(drawn <= 20);  // ten a second
}

TEST_CASE("a line that was cleared is not erased a second time") {
  CHECK(printed([] {
          ProgressLine line("checking", true);
          line.clear();
          line.show("files", 0);
          line.clear();
          line.clear();
        }) == kErased + "[checking] files ..." + kErased);
}

TEST_CASE("a phase with an odd name does nothing to the terminal") {
  CHECK(printed([] {
          ProgressLine line("checking", true);
          line.show("subvolume \x1b[2J", 0);
        }) == kErased + "[checking] subvolume \\x1b[2J ..." + kErased);
}

}  // namespace butterfuse::progress_test
