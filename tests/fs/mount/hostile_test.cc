// SPDX-License-Identifier: GPL-2.0-or-later
// What an image may say that no engine wrote: operations end with an error, and end.
#include <catch2/catch.hpp>

#include "core/items/inode_item.h"
#include "core/repair/name_edit.h"
#include "fs/names/create.h"
#include "fs/names/rename.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/tamper.h"
#include "tests/support/test_mount.h"

namespace butterfuse::hostile_test {
namespace {

int code_of_move(TestMount& test, Inode& to_dir) {
  const auto moved = rename(test.mount(), {.old_dir = test.root(),
                                           .old_name = "x",
                                           .new_dir = to_dir,
                                           .new_name = "x",
                                           .flags = 0,
                                           .caller = {}});
  return moved ? 0 : moved.error().code;
}

}  // namespace

TEST_CASE("directories that are each other's parents can't be moved into for ever") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const uint64_t outer = test.mkdir(test.root(), "outer")->ino();
  const uint64_t inner = test.mkdir(*test.get(test.root(), "outer"), "inner")->ino();
  test.mkdir(test.root(), "x");
  test.close();
  tamper(test.path(), [&](Filesystem& filesystem, Tree& tree) {
    repair::NameEdit edit(filesystem, tree);
    must(edit.remove_reference(outer, objectid::kFirstFree, "outer"));
    must(edit.set_reference(outer, inner, "outer", 2));
  });
  test.open("");
  const auto dir = test.get(test.root(), "outer");
  CHECK(code_of_move(test, *dir) == EUCLEAN);
}

TEST_CASE("no inode gets a number behind the last, or the number of another") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  test.close();
  tamper(test.path(), [](Filesystem& filesystem, Tree& tree) {
    auto handle = must(filesystem.begin(2));
    InodeItem item;
    item.mode = 0100644;
    item.nlink = 1;
    item.generation = item.transid = handle.transid();
    must(write_inode_item(tree, handle, objectid::kLastFree, item));
  });
  test.open("");
  for (int tries = 0; tries < 600; ++tries) {
    const auto made = create(test.mount(), test.root(), "file", {.mode = 0100644}, {});
    REQUIRE_FALSE(made);
    CHECK(made.error().code == ENOSPC);
  }
}

}  // namespace butterfuse::hostile_test
