// SPDX-License-Identifier: GPL-2.0-or-later
// What the table of inodes keeps in memory.
#include <catch2/catch.hpp>

#include "fs/data/set_attr.h"
#include "fs/names/lookup.h"
#include "tests/support/memory_mount.h"

namespace butterfuse::idle_inodes_test {
namespace {

// Makes files and changes each once more, so that they wait for a commit.
// Returns how many the table held at most.
size_t most_of_changed(MemoryMount& test, int files) {
  size_t most = 0;
  for (int number = 0; number < files; ++number) {
    {
      const auto file = test.create("file" + std::to_string(number));
      must(set_attr(test.mount(), *file->inode, {.mode = 0600}));
    }
    most = std::max(most, test.mount().inodes().inodes());
  }
  return most;
}

}  // namespace

TEST_CASE("inodes that wait for a commit do not fill memory: who makes more commits") {
  MemoryMount test;
  test.mount().limit_idle_inodes(256);
  CHECK(most_of_changed(test, 4000) < 1500);
  must(test.mount().sync());
}

TEST_CASE("inodes that nobody uses leave memory down to the limit") {
  MemoryMount test;
  test.mount().limit_idle_inodes(64);
  (void)most_of_changed(test, 300);
  must(test.mount().sync());
  for (int round = 0; round < 2; ++round)
    for (int number = 0; number < 300; ++number)
      (void)must(lookup_existing(test.mount(), test.mount().root(), "file" + std::to_string(number)));
  CHECK(test.mount().inodes().inodes() <= 64 + 1);
}

}  // namespace butterfuse::idle_inodes_test
