// SPDX-License-Identifier: GPL-2.0-or-later
// Names: create, link, unlink, rename, and what they leave in directories and inodes.
#include <stdio.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "core/items/inode_item.h"
#include "fs/names/create.h"
#include "fs/names/link.h"
#include "fs/names/lookup.h"
#include "fs/names/rename.h"
#include "fs/names/unlink.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::names_test {
namespace {

int code_of(const Status& status) { return status ? 0 : status.error().code; }

int rename_code(TestMount& test, const std::string& from, const std::string& to, unsigned flags = 0) {
  return code_of(rename(test.mount(), {test.root(), from, test.root(), to, flags}));
}

}  // namespace

TEST_CASE("a directory's size counts each name twice and its nlink stays 1") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  { auto file = test.create(test.root(), "12345"); }
  { auto dir = test.mkdir(test.root(), "abc"); }
  CHECK(test.root().item().size == 2 * (5 + 3));
  CHECK(test.root().item().nlink == 1);
  REQUIRE(unlink(test.mount(), test.root(), "12345"));
  CHECK(test.root().item().size == 2 * 3);
  CHECK(test.close_and_check() == "");
}

TEST_CASE("creating over a name, with a name too long or in a file fails") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  NewInode what;
  what.mode = S_IFREG | 0600;
  auto code = [&](Inode& dir, const std::string& name) {
    return create(test.mount(), dir, name, what, {}).error().code;
  };
  CHECK(code(test.root(), "file") == EEXIST);
  CHECK(code(test.root(), "..") == EEXIST);
  CHECK(code(test.root(), std::string(256, 'n')) == ENAMETOOLONG);
  CHECK(code(*file, "x") == ENOTDIR);
  { auto longest = test.create(test.root(), std::string(255, '\xff')); }
  file.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a set-group-id directory hands its group on, and the bit to directories") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto dir = test.create(test.root(), "dir", S_IFDIR | S_ISGID | 0755);
  dir->change([](InodeItem& item) { item.gid = 77; });
  dir->mark_dirty();
  auto file = test.create(*dir, "file");
  auto inner = test.mkdir(*dir, "inner");
  CHECK(file->item().gid == 77);
  CHECK((file->item().mode & S_ISGID) == 0);
  CHECK(inner->item().gid == 77);
  CHECK((inner->item().mode & S_ISGID) != 0);
}

TEST_CASE("an unlinked inode lives while it is pinned or looked up, and then is gone from the tree") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  InodePtr file = test.create(test.root(), "file");
  const InodeKey key = file->key();
  Tree& tree = file->tree();
  test.write(*file, 0, std::string(300'000, 'x'));
  test.mount().inodes().add_lookup(key);
  REQUIRE(unlink(test.mount(), test.root(), "file"));
  CHECK(test.read(*file) == std::string(300'000, 'x'));
  file.reset();
  CHECK(read_inode_item(tree, key.ino));
  CHECK(must(list_orphans(tree)) == std::vector<uint64_t>{key.ino});
  test.mount().inodes().forget(key, 1);
  CHECK(read_inode_item(tree, key.ino).error().code == ENOENT);
  CHECK(must(list_orphans(tree)).empty());
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a crash with an unlinked open file leaves nothing behind after the next mount") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  uint64_t ino = 0;
  {
    InodePtr file = test.create(test.root(), "file");
    ino = file->ino();
    test.write(*file, 0, std::string(3'000'000, 'x'));
    REQUIRE(test.mount().sync());
    REQUIRE(unlink(test.mount(), test.root(), "file"));
    REQUIRE(test.mount().sync());
    file.reset();
  }
  test.crash();
  Tree& tree = test.root().tree();
  CHECK(read_inode_item(tree, ino).error().code == ENOENT);
  CHECK(must(list_orphans(tree)).empty());
  CHECK(test.close_and_check() == "");
}

TEST_CASE("hard links share an inode that counts them") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "a");
  auto dir = test.mkdir(test.root(), "dir");
  CHECK(code_of(link(test.mount(), *file, *dir, "b")) == 0);
  CHECK(code_of(link(test.mount(), *file, *dir, "b")) == EEXIST);
  CHECK(code_of(link(test.mount(), *dir, test.root(), "loop")) == EPERM);
  CHECK(file->nlink() == 2);
  CHECK(test.get(*dir, "b")->ino() == file->ino());
  REQUIRE(unlink(test.mount(), test.root(), "a"));
  CHECK(file->nlink() == 1);
  file.reset();
  dir.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("thousands of links to one inode spill into extrefs and come off again") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "first");
  for (int i = 0; i < 3000; ++i) REQUIRE(link(test.mount(), *file, test.root(), "link" + std::to_string(i)));
  CHECK(file->nlink() == 3001);
  REQUIRE(test.mount().sync());
  for (int i = 0; i < 3000; i += 2) REQUIRE(unlink(test.mount(), test.root(), "link" + std::to_string(i)));
  file.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("rename replaces files by files and empty directories by directories") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  uint64_t ino = 0;
  {
    auto a = test.create(test.root(), "a");
    auto b = test.create(test.root(), "b");
    auto full = test.mkdir(test.root(), "full");
    auto empty = test.mkdir(test.root(), "empty");
    auto inner = test.create(*full, "inner");
    ino = a->ino();
  }
  CHECK(rename_code(test, "a", "full") == EISDIR);
  CHECK(rename_code(test, "empty", "b") == ENOTDIR);
  CHECK(rename_code(test, "empty", "full") == ENOTEMPTY);
  CHECK(rename_code(test, "a", "b", RENAME_NOREPLACE) == EEXIST);
  CHECK(rename_code(test, "no", "b") == ENOENT);
  CHECK(rename_code(test, "a", "b") == 0);
  CHECK(rename_code(test, "full", "empty") == 0);
  CHECK_FALSE(test.exists(test.root(), "a"));
  CHECK(test.get(test.root(), "b")->ino() == ino);
  CHECK(test.root().item().size == 2 * (1 + 5));
  CHECK(test.close_and_check() == "");
}

TEST_CASE("rename exchanges a file and a directory, and never puts a directory into itself") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  {
    auto file = test.create(test.root(), "file");
    auto dir = test.mkdir(test.root(), "dir");
    auto inner = test.mkdir(*dir, "inner");
    CHECK(code_of(rename(test.mount(), {test.root(), "dir", *inner, "x"})) == EINVAL);
    CHECK(code_of(rename(test.mount(), {test.root(), "file", *inner, "inner"})) == 0);
    CHECK(code_of(rename(test.mount(), {*inner, "inner", test.root(), "dir", RENAME_EXCHANGE})) == EINVAL);
    CHECK(code_of(rename(test.mount(), {*inner, "inner", test.root(), "back"})) == 0);
  }
  CHECK(rename_code(test, "back", "dir", RENAME_EXCHANGE) == 0);
  CHECK(test.get(test.root(), "back")->is_dir());
  CHECK(test.get(test.root(), "dir")->is_regular());
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a moved directory knows its new parent") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  {
    auto a = test.mkdir(test.root(), "a");
    auto b = test.mkdir(test.root(), "b");
    auto moved = test.mkdir(*a, "moved");
    REQUIRE(rename(test.mount(), {*a, "moved", *b, "moved"}));
    CHECK(must(parent_of(test.mount(), *moved)) == b->key());
    CHECK(code_of(rmdir(test.mount(), test.root(), "b")) == ENOTEMPTY);
    CHECK(code_of(rmdir(test.mount(), test.root(), "a")) == 0);
  }
  CHECK(test.close_and_check() == "");
}

TEST_CASE("symbolic links keep their target, whatever its bytes") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  NewInode what;
  what.mode = S_IFLNK | 0777;
  const std::string target(2000, '\xfe');
  what.target = target;
  { auto link = must(create(test.mount(), test.root(), "link", what, {})); }
  test.remount();
  CHECK(must(read_link(test.mount(), *test.get(test.root(), "link"))) == target);
  const std::string too_long(5000, 'x');
  what.target = too_long;
  CHECK(create(test.mount(), test.root(), "long", what, {}).error().code == ENAMETOOLONG);
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a read-only mount refuses every change of names") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  { auto file = test.create(test.root(), "file"); }
  test.remount("ro");
  NewInode what;
  what.mode = S_IFREG | 0600;
  CHECK(create(test.mount(), test.root(), "new", what, {}).error().code == EROFS);
  CHECK(code_of(unlink(test.mount(), test.root(), "file")) == EROFS);
  CHECK(rename_code(test, "file", "other") == EROFS);
}

}  // namespace butterfuse::names_test
