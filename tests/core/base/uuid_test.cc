// SPDX-License-Identifier: GPL-2.0-or-later
// Uuid text form.
#include "core/base/uuid.h"

#include <catch2/catch.hpp>

namespace butterfuse::uuid_test {

TEST_CASE("a uuid survives the way to text and back") {
  Uuid uuid = Uuid::random();
  CHECK(Uuid::parse(uuid.to_text()) == uuid);
  CHECK(uuid.to_text().size() == 36);
  CHECK(uuid.to_text()[14] == '4');
  CHECK_FALSE(uuid == Uuid::random());
}

TEST_CASE("text that is no uuid is refused") {
  CHECK(Uuid::parse("0123abcd-0000-0000-0000-0000000000FF")->bytes[15] == 0xff);
  CHECK_FALSE(Uuid::parse(""));
  CHECK_FALSE(Uuid::parse("0123abcd00000-0000-0000-000000000000"));
  CHECK_FALSE(Uuid::parse("0123abcg-0000-0000-0000-000000000000"));
}

}  // namespace butterfuse::uuid_test
