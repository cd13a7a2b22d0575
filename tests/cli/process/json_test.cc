// SPDX-License-Identifier: GPL-2.0-or-later
// Json: names that are no UTF-8, and documents that programs can read whatever is in them.
#include "cli/process/json.h"

#include <catch2/catch.hpp>

#include "core/base/shown_name.h"
#include "tests/cli/process/printed.h"

namespace butterfuse::json_test {

TEST_CASE("text that JSON can hold goes into it as it is") {
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("quote\" and \\ and \n"), std::string("a\0b", 3),
        std::string("gr\xc3\xbc\xc3\x9f"), std::string("\xf0\x9f\x90\x9f"), std::string("\xe2\x80\xae")})
    CHECK(json_text(text) == text);
}

TEST_CASE("a name that is no UTF-8 is shown escaped, so that no two look alike") {
  CHECK(json_text("\xff") == "\\xff");
  CHECK(json_text("a\xc3") == "a\\xc3");
  CHECK(json_text("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // half of a pair of UTF-16
  CHECK(json_text("\xc0\xaf") == "\\xc0\\xaf");           // not of shortest form
  CHECK(json_text("\xff\\xff") == "\\xff\\x5cxff");
  for (int byte = 0x80; byte < 0x100; ++byte) {
    const std::string name = std::string("n") + static_cast<char>(byte);
    CHECK(is_utf8(json_text(name)));
    CHECK(json_text(name) == shown_name(name));
  }
}

TEST_CASE("a document is one, ends its line, and keeps the order of its fields") {
  const std::string text = printed([] {
    print_json({{"z", json_text("\xff")}, {"a", "line\nand \x1b[31m"}, {"list", {1, 2}}});
  });
  REQUIRE_FALSE(text.empty());
  CHECK(text.back() == '\n');
  CHECK(text.find('\x1b') == std::string::npos);
  const auto document = nlohmann::ordered_json::parse(text);
  CHECK(document.begin().key() == "z");
  CHECK(document["z"] == "\\xff");
  CHECK(document["a"] == "line\nand \x1b[31m");
  CHECK(document["list"].size() == 2);
}

TEST_CASE("bytes that nobody looked at do not keep a document from being printed") {
  const std::string text = printed([] { print_json({{"message", "bad \xff byte"}}); });
  CHECK(nlohmann::json::parse(text)["message"] == "bad \xef\xbf\xbd byte");
}

}  // namespace butterfuse::json_test
