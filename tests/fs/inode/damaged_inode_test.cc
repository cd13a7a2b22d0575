// SPDX-License-Identifier: GPL-2.0-or-later
// Inodes as damaged images and btrfs-convert have them: with names but no links; with the READONLY flag.
#include <fcntl.h>
#include <stdio.h>  // RENAME_*

#include <catch2/catch.hpp>

#include "core/items/inode_item.h"
#include "fs/attributes/xattr.h"
#include "fs/data/defragment.h"
#include "fs/data/file.h"
#include "fs/data/set_attr.h"
#include "fs/names/create.h"
#include "fs/names/link.h"
#include "fs/names/rename.h"
#include "fs/names/unlink.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/tamper.h"
#include "tests/support/test_mount.h"

namespace butterfuse::damaged_inode_test {
namespace {

template <class Change>
void change_item(TestMount& test, uint64_t ino, Change change) {
  test.close();
  tamper(test.path(), [&](Filesystem& filesystem, Tree& tree) {
    auto handle = must(filesystem.begin(2));
    InodeItem item = must(read_inode_item(tree, ino));
    change(item);
    must(write_inode_item(tree, handle, ino, item));
  });
  test.open("");
}

int code_of_open(TestMount& test, const char* name, int flags) {
  const auto file = open_file(test.mount(), test.get(test.root(), name), flags, {});
  return file ? 0 : file.error().code;
}

int code(const Status& status) { return status ? 0 : status.error().code; }

}  // namespace

TEST_CASE("an inode with a name and a link count of 0 is served, and nobody deletes it") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto made = test.create(test.root(), "bad");
  test.write(*made, 0, "content");
  const InodeKey key = made->key();
  made = {};
  change_item(test, key.ino, [](InodeItem& item) { item.nlink = 0; });
  CHECK(test.read(*test.get(test.root(), "bad")) == "content");
  test.mount().inodes().add_lookup(key);
  test.mount().inodes().forget(key, 1);
  CHECK_FALSE(test.mount().is_read_only());
  test.write(*test.create(test.root(), "good"), 0, "more");
  must(test.mount().sync());
  CHECK(test.read(*test.get(test.root(), "bad")) == "content");
  test.remount();
  CHECK(test.read(*test.get(test.root(), "bad")) == "content");
  must(unlink(test.mount(), test.root(), "bad"));
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a directory with a link count of 0 takes names all the same") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const uint64_t ino = test.mkdir(test.root(), "dir")->ino();
  change_item(test, ino, [](InodeItem& item) { item.nlink = 0; });
  auto dir = test.get(test.root(), "dir");
  test.create(*dir, "file");
  CHECK(test.exists(*dir, "file"));
}

TEST_CASE("an inode with more names than its link count says is kept until the last is gone") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto made = test.create(test.root(), "one");
  test.write(*made, 0, "content");
  must(link(test.mount(), *made, test.root(), "two"));
  const uint64_t ino = made->ino();
  made = {};
  const uint32_t count = GENERATE(0u, 1u);
  change_item(test, ino, [&](InodeItem& item) { item.nlink = count; });
  must(unlink(test.mount(), test.root(), "one"));
  test.remount();
  CHECK(test.read(*test.get(test.root(), "two")) == "content");
  must(unlink(test.mount(), test.root(), "two"));
  CHECK(test.close_and_check() == "");
}

TEST_CASE("what has the READONLY flag is read and removed, but not written") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto made = test.create(test.root(), "image");
  test.write(*made, 0, "content");
  const uint64_t ino = made->ino();
  made = {};
  change_item(test, ino, [](InodeItem& item) { item.flags |= inode_flag::kReadonly; });
  CHECK(code_of_open(test, "image", O_RDONLY) == 0);
  CHECK(code_of_open(test, "image", O_RDWR) == EACCES);
  CHECK(code_of_open(test, "image", O_WRONLY | O_APPEND) == EACCES);
  CHECK(code_of_open(test, "image", O_RDONLY | O_TRUNC) == EACCES);
  AttrChange shorter;
  shorter.size = 1;
  CHECK(code(set_attr(test.mount(), *test.get(test.root(), "image"), shorter)) == EACCES);
  CHECK(test.read(*test.get(test.root(), "image")) == "content");
  AttrChange mode;
  mode.mode = 0400;
  CHECK(code(set_attr(test.mount(), *test.get(test.root(), "image"), mode)) == 0);
  CHECK(code(unlink(test.mount(), test.root(), "image")) == 0);
}

TEST_CASE("what needs the right to write is refused of an inode with the READONLY flag, and nothing else") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto made = test.create(test.root(), "image");
  test.write(*made, 0, std::string(100'000, 'x'));
  const uint64_t ino = made->ino();
  made = {};
  change_item(test, ino, [](InodeItem& item) { item.flags |= inode_flag::kReadonly; });
  auto inode = test.get(test.root(), "image");
  const auto set = [&](std::string_view name, std::string_view value) {
    return code(set_xattr(test.mount(), *inode, {name, as_bytes(value)}));
  };
  CHECK(set("user.kind", "new") == EACCES);
  CHECK(set("btrfs.compression", "zstd") == EACCES);
  CHECK(code(remove_xattr(test.mount(), *inode, "user.kind")) == EACCES);
  CHECK(set("trusted.kind", "new") == 0);
  CHECK(set("security.kind", "new") == 0);
  AttrChange touch;
  touch.atime = touch.mtime = Timespec{1000, 0};
  touch.times_are_now = true;
  CHECK(code(set_attr(test.mount(), *inode, touch)) == 0);
  touch.by_stranger = true;
  CHECK(code(set_attr(test.mount(), *inode, touch)) == EACCES);
  CHECK(code(defragment(test.mount(), *inode, {}, {})) == EACCES);
  CHECK(code(defragment(test.mount(), *inode, {.whatever_flags = true}, {})) == 0);
}

TEST_CASE("a directory with the READONLY flag keeps its parent") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const uint64_t ino = test.mkdir(test.root(), "dir")->ino();
  test.mkdir(test.root(), "other");
  test.mkdir(*test.get(test.root(), "other"), "inner");
  change_item(test, ino, [](InodeItem& item) { item.flags |= inode_flag::kReadonly; });
  auto other = test.get(test.root(), "other");
  const auto move = [&](Inode& from, const char* name, Inode& to, const char* new_name, unsigned flags) {
    return code(rename(test.mount(), {.old_dir = from,
                                      .old_name = name,
                                      .new_dir = to,
                                      .new_name = new_name,
                                      .flags = flags,
                                      .caller = {}}));
  };
  CHECK(move(test.root(), "dir", *other, "dir", 0) == EACCES);
  CHECK(move(test.root(), "dir", *other, "inner", RENAME_EXCHANGE) == EACCES);
  CHECK(move(*other, "inner", test.root(), "dir", RENAME_EXCHANGE) == EACCES);
  CHECK(move(test.root(), "dir", test.root(), "renamed", 0) == 0);
}

TEST_CASE("in a directory with the READONLY flag names stay as they are") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const uint64_t ino = test.mkdir(test.root(), "dir")->ino();
  test.create(*test.get(test.root(), "dir"), "file");
  change_item(test, ino, [](InodeItem& item) { item.flags |= inode_flag::kReadonly; });
  auto dir = test.get(test.root(), "dir");
  const auto made = create(test.mount(), *dir, "other", {.mode = 0100644}, {});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == EACCES);
  CHECK(code(unlink(test.mount(), *dir, "file")) == EACCES);
  const auto move = [&](Inode& from, const char* name, Inode& to) {
    return code(rename(
        test.mount(),
        {.old_dir = from, .old_name = name, .new_dir = to, .new_name = "new", .flags = 0, .caller = {}}));
  };
  CHECK(move(*dir, "file", test.root()) == EACCES);
  test.create(test.root(), "outside");
  CHECK(move(test.root(), "outside", *dir) == EACCES);
}

}  // namespace butterfuse::damaged_inode_test
