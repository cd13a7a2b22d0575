// SPDX-License-Identifier: GPL-2.0-or-later
// Text in roff: what has a meaning there does not come through.
#include "cli/manual/roff.h"

#include <catch2/catch.hpp>

namespace butterfuse::roff_test {

TEST_CASE("text that means something to roff is shown as it is") {
  CHECK(roff_text(R"(a\,b)") == R"(a\e,b)");
  CHECK(roff_text(".TH is no request") == R"(\&.TH is no request)");
  CHECK(roff_text("'tis") == R"(\(aqtis)");
  CHECK(roff_text("^feature ~ `x` \"y\"") == R"(\(hafeature \(ti \(gax\(ga \(dqy\(dq)");
}

TEST_CASE("hyphens of options can be searched for and copied, those of prose are hyphens") {
  CHECK(roff_text("read-only with --repair or -o") == R"(read-only with \-\-repair or \-o)");
  CHECK(roff_literal("compress-force") == R"(\fBcompress\-force\fP)");
  CHECK(roff_placeholder("A-B") == R"(\fIA\-B\fP)");
}

TEST_CASE("words in backquotes are to be typed, the others are text") {
  CHECK(roff_marked("with `-f`, as-is") == R"(with \fB\-f\fP, as-is)");
  CHECK(roff_marked("`a` `b`") == R"(\fBa\fP \fBb\fP)");
  CHECK(roff_marked("plain") == "plain");
  CHECK(roff_marked("").empty());
}

TEST_CASE("a page begins with its title, and a term is followed by what it means") {
  Roff roff("a-b", 8, "source", "manual");
  roff.section("NAME");
  roff.term(roff_literal("-x"), "text");
  CHECK(roff.text() ==
        ".TH \"a-b\" 8 \"\" \"source\" \"manual\"\n.nh\n.ad l\n.SH \"NAME\"\n.TP\n\\fB\\-x\\fP\ntext\n");
  CHECK(roff_link("a-b", 8) == ".so man8/a-b.8\n");
}

}  // namespace butterfuse::roff_test
