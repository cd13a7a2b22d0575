// SPDX-License-Identifier: GPL-2.0-or-later
// UserNamespace: which ids have numbers here, and what to say where one has none.
#include "cli/process/user_namespace.h"

#include <catch2/catch.hpp>

namespace butterfuse::user_namespace_test {
namespace {

bool has(const std::string& text, uint32_t id) {
  const UserNamespace here{
      .users = parse_id_ranges(text), .groups = parse_id_ranges(""), .user = 0, .group = 0};
  return !here.complaint_about(id, 0, id, 0);
}

}  // namespace

TEST_CASE("ids are known from the first of a range on, as many as it has") {
  const std::string map = "         0       1000          1\n      1000     100000      65536\n";
  for (const uint32_t id : {0u, 1000u, 66'535u}) CHECK(has(map, id));
  for (const uint32_t id : {1u, 999u, 66'536u, ~0u}) CHECK_FALSE(has(map, id));
}

TEST_CASE("where nothing is told all ids are known") {
  for (const char* text : {"", "nonsense", "0 0", "0 0 4294967295"}) {
    INFO("'" << text << "'");
    for (const uint32_t id : {0u, 1u, 4'294'967'294u}) CHECK(has(text, id));
  }
}

TEST_CASE("the last of all ids does not wrap around") {
  CHECK(has("4294967290 0 5", 4'294'967'294u));
  CHECK_FALSE(has("4294967290 0 5", 0));
}

TEST_CASE("who or whose group has no number is told the options that help") {
  const UserNamespace here{.users = {{0, 1}}, .groups = {{0, 1}}, .user = 7, .group = 8};
  CHECK_FALSE(here.complaint_about(0, 0, 0, 0));
  for (const auto& [user, group] : {std::pair{5u, 0u}, std::pair{0u, 5u}, std::pair{5u, 5u}}) {
    const auto complaint = here.complaint_about(user, group, 1000, 1001);
    REQUIRE(complaint);
    CHECK(complaint->find("uidmap=1000:7:1") != std::string::npos);
    CHECK(complaint->find("gidmap=1001:8:1") != std::string::npos);
    CHECK(complaint->find("user 1000 and group 1001") != std::string::npos);
  }
}

TEST_CASE("this process knows itself") {
  const UserNamespace own = UserNamespace::own();
  CHECK_FALSE(own.complaint_about(own.user, own.group, own.user, own.group));
}

}  // namespace butterfuse::user_namespace_test
