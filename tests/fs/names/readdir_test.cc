// SPDX-License-Identifier: GPL-2.0-or-later
// Reading directories while they change.
#include "fs/names/readdir.h"

#include <catch2/catch.hpp>
#include <set>

#include "fs/names/unlink.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::readdir_test {

TEST_CASE("a reader of a changing directory sees every name that stays, once") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto dir = test.mkdir(test.root(), "dir");
  for (int i = 0; i < 500; ++i) test.create(*dir, "stay" + std::to_string(i));
  std::multiset<std::string> seen;
  uint64_t position = 0;
  for (int step = 0;; ++step) {
    auto list = must(list_directory(test.mount(), *dir, position, UINT64_MAX, 300, 24));
    if (list.empty()) break;
    for (const ListedEntry& entry : list) seen.insert(entry.name);
    position = list.back().next_position;
    if (step < 200) {
      test.create(*dir, "come" + std::to_string(step));
      REQUIRE(unlink(test.mount(), *dir, "come" + std::to_string(step)));
    }
  }
  CHECK(seen.count(".") == 1);
  CHECK(seen.count("..") == 1);
  for (int i = 0; i < 500; ++i) CHECK(seen.count("stay" + std::to_string(i)) == 1);
  dir.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("d_ino is what a look-up gives as st_ino, dots included") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto dir = test.mkdir(test.root(), "dir");
  auto file = test.create(*dir, "file");
  auto list = must(list_directory(test.mount(), *dir, 0, UINT64_MAX, 4096, 24));
  REQUIRE(list.size() == 3);
  CHECK(list[0].ino == dir->ino());
  CHECK(list[1].ino == test.root().ino());
  CHECK(list[2].ino == file->ino());
}

TEST_CASE("positions hold over an unmount") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  for (int i = 0; i < 20; ++i) test.create(test.root(), "f" + std::to_string(i));
  auto before = must(list_directory(test.mount(), test.root(), 0, UINT64_MAX, 100'000, 24));
  test.remount();
  auto after =
      must(list_directory(test.mount(), test.root(), before[9].next_position, UINT64_MAX, 100'000, 24));
  REQUIRE(after.size() == before.size() - 10);
  CHECK(after.front().name == before[10].name);
}

}  // namespace butterfuse::readdir_test
