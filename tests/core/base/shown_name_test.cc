// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of shown_name: what reaches terminals and logs.
#include "core/base/shown_name.h"

#include <catch2/catch.hpp>

namespace butterfuse::shown_name_test {

TEST_CASE("a name without anything odd is shown as it is") {
  CHECK(shown_name("plain name.txt") == "plain name.txt");
  CHECK(shown_name("caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80") ==
        "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80");
  CHECK(shown_name("").empty());
}

TEST_CASE("no control character of a name is shown, whether of one byte or of two") {
  CHECK(shown_name("red\x1b[31m") == "red\\x1b[31m");
  CHECK(shown_name("a\nERROR: b\t\x7f") == "a\\x0aERROR: b\\x09\\x7f");
  CHECK(shown_name(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(shown_name("csi \xc2\x9b") == "csi \\xc2\\x9b");
}

TEST_CASE("what turns the direction of text or breaks lines is escaped") {
  CHECK(shown_name("txt.\xe2\x80\xae"
                   "exe") == "txt.\\xe2\\x80\\xaeexe");
  CHECK(shown_name("\xe2\x80\xa8\xe2\x81\xa6") == "\\xe2\\x80\\xa8\\xe2\\x81\\xa6");
}

TEST_CASE("bytes that are no UTF-8 are escaped one by one, the rest stays") {
  CHECK(shown_name("caf\xe9.img") == "caf\\xe9.img");
  CHECK(shown_name("\xc0\x80") == "\\xc0\\x80");                    // not the shortest form
  CHECK(shown_name("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(shown_name("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond Unicode
  CHECK(shown_name("cut \xe6\x97") == "cut \\xe6\\x97");
  CHECK(shown_name("\x80\xff") == "\\x80\\xff");
  CHECK(is_utf8(shown_name("\x80\xff\xe6\x97")));
}

TEST_CASE("a name can be told from what is shown: backslashes are escaped, but not those of a message") {
  CHECK(shown_name("\\x1b") == "\\x5cx1b");
  CHECK(shown_text("entry '\\x1b' of it") == "entry '\\x1b' of it");
  CHECK(shown_text(shown_name("\x1b\\")) == shown_name("\x1b\\"));
  CHECK(shown_text("two\nlines") == "two\\x0alines");
}

TEST_CASE("is_utf8 takes the shortest form only") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("\x01 caf\xc3\xa9"));
  CHECK_FALSE(is_utf8("caf\xe9"));
  CHECK_FALSE(is_utf8("\xe0\x80\xaf"));
}

}  // namespace butterfuse::shown_name_test
