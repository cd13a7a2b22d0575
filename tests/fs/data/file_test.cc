// SPDX-License-Identifier: GPL-2.0-or-later
// Attributes and contents: sizes, times, durability, xattrs.
#include "fs/data/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <catch2/catch.hpp>

#include "fs/attributes/xattr.h"
#include "fs/data/seek.h"
#include "fs/data/set_attr.h"
#include "fs/names/unlink.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/tamper.h"
#include "tests/support/test_mount.h"

namespace butterfuse::file_test {
namespace {

void resize(TestMount& test, Inode& inode, uint64_t size) {
  AttrChange change;
  change.size = size;
  must(set_attr(test.mount(), inode, change));
}

int set_code(TestMount& test, Inode& inode, const std::string& name, const std::string& value,
             int flags = 0) {
  auto status = set_xattr(test.mount(), inode, {name, as_bytes(value), flags});
  return status ? 0 : status.error().code;
}

std::string get(TestMount& test, Inode& inode, const std::string& name) {
  return std::string(as_text(must(get_xattr(test.mount(), inode, name))));
}

}  // namespace

TEST_CASE("what was written is there after a remount, holes and odd sizes included") {
  if (!have_btrfs_progs()) return;
  for (const char* features : {"no-holes", "^no-holes"}) {
    TestMount test("", {"-O", features});
    std::string want;
    {
      auto file = test.create(test.root(), "file");
      test.write(*file, 0, "beginning");
      test.write(*file, 1'000'001, std::string(70'000, 'm'));
      resize(test, *file, 5'000'000);
      test.write(*file, 4'999'999, "end");
      resize(test, *file, 5'000'001);
      want = std::string(5'000'001, '\0');
      want.replace(0, 9, "beginning");
      want.replace(1'000'001, 70'000, 70'000, 'm');
      want.replace(4'999'999, 2, "en");
      CHECK(test.read(*file) == want);
    }
    test.remount();
    CHECK(test.read(*test.get(test.root(), "file")) == want);
    CHECK(test.close_and_check() == "");
  }
}

TEST_CASE("cutting a file and growing it again shows zeros where the old bytes were") {
  if (!have_btrfs_progs()) return;
  for (uint64_t cut : {0, 1, 100, 4095, 4096, 4097, 100'000, 131'072}) {
    TestMount test("compress=zstd");
    {
      auto file = test.create(test.root(), "file");
      test.write(*file, 0, std::string(300'000, 'o'));
      REQUIRE(test.mount().sync());
      resize(test, *file, cut);
      resize(test, *file, 300'000);
      CHECK(test.read(*file) == std::string(cut, 'o') + std::string(300'000 - cut, '\0'));
    }
    test.remount();
    CHECK(test.read(*test.get(test.root(), "file")) ==
          std::string(cut, 'o') + std::string(300'000 - cut, '\0'));
    CHECK(test.close_and_check() == "");
  }
}

TEST_CASE("cutting a file inside a hole before what was written behind it keeps the new size") {
  if (!have_btrfs_progs()) return;
  for (const char* features : {"no-holes", "^no-holes"}) {
    TestMount test("", {"-O", features});
    {
      auto file = test.create(test.root(), "file");
      test.write(*file, 0, std::string(10'000, 'a'));
      REQUIRE(test.mount().sync());
      test.write(*file, 500'000, "never to reach the disk");
      resize(test, *file, 30'000);
    }
    test.remount();
    CHECK(test.read(*test.get(test.root(), "file")) == std::string(10'000, 'a') + std::string(20'000, '\0'));
    CHECK(test.close_and_check() == "");
  }
}

TEST_CASE("after fsync a power cut takes neither the data nor the name") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  {
    auto file = must(open_file(test.mount(), test.create(test.root(), "file"), O_RDWR, {}));
    test.write(*file->inode, 0, std::string(200'000, 'd'));
    REQUIRE(sync_file(test.mount(), *file));
    test.write(*file->inode, 0, "not synced");
  }
  test.crash();
  CHECK(test.read(*test.get(test.root(), "file")) == std::string(200'000, 'd'));
  CHECK(test.close_and_check() == "");
}

TEST_CASE("setattr changes what it is told and ctime, nothing else") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  const InodeItem before = file->item();
  AttrChange change;
  change.mode = 04711;
  change.uid = 12;
  change.mtime = Timespec{-5, 999'999'999};
  must(set_attr(test.mount(), *file, change));
  file.reset();
  test.remount();
  const InodeItem after = test.get(test.root(), "file")->item();
  CHECK(after.mode == (S_IFREG | 04711u));
  CHECK(after.uid == 12);
  CHECK(after.gid == before.gid);
  CHECK(after.mtime == Timespec{-5, 999'999'999});
  CHECK(after.atime == before.atime);
  CHECK(after.otime == before.otime);
  CHECK(after.ctime > before.ctime);
}

TEST_CASE("a write of a caller without CAP_FSETID takes the set-user-id bit away") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = must(open_file(test.mount(), test.create(test.root(), "file", S_IFREG | 06755), O_RDWR, {}));
  const std::string text = "x";
  WriteRequest request;
  request.pieces.push_back(as_bytes(text));
  must(write_file(test.mount(), *file, request, Caller{0, 0, 1, false}));
  CHECK((file->inode->item().mode & 06000) == 06000);
  must(write_file(test.mount(), *file, request, Caller{1000, 1000, 1, true}));
  CHECK((file->inode->item().mode & 06000) == 0);
}

TEST_CASE("a file that was emptied and written anew is written back when it is closed") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = must(open_file(test.mount(), test.create(test.root(), "file", S_IFREG | 0644), O_RDWR, {}));
  const std::string text(100'000, 'x');
  WriteRequest request;
  request.pieces.push_back(as_bytes(text));
  must(write_file(test.mount(), *file, request, {}));
  close_file(*file);
  CHECK(file->inode->data().delalloc_bytes() > 0);
  must(test.mount().sync());
  AttrChange empty;
  empty.size = 0;
  must(set_attr(test.mount(), *file->inode, empty));
  must(write_file(test.mount(), *file, request, {}));
  close_file(*file);
  CHECK(file->inode->data().delalloc_bytes() == 0);
}

TEST_CASE("data and holes are found where they are") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  test.write(*file, 1 << 20, std::string(8192, 'd'));
  resize(test, *file, 4 << 20);
  CHECK(must(seek_data(test.mount(), *file, 0)) == 1 << 20);
  CHECK(must(seek_hole(test.mount(), *file, 0)) == 0);
  CHECK(must(seek_hole(test.mount(), *file, (1 << 20) + 5)) == (1 << 20) + 8192);
  CHECK(seek_data(test.mount(), *file, 2 << 20).error().code == ENXIO);
  CHECK(seek_hole(test.mount(), *file, 4 << 20).error().code == ENXIO);
}

TEST_CASE("extended attributes follow the rules of their name spaces") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  CHECK(set_code(test, *file, "user.a", "1", XATTR_REPLACE) == ENODATA);
  CHECK(set_code(test, *file, "user.a", "1", XATTR_CREATE) == 0);
  CHECK(set_code(test, *file, "user.a", "22", XATTR_CREATE) == EEXIST);
  CHECK(set_code(test, *file, "user.a", "22") == 0);
  CHECK(set_code(test, *file, "trusted.t", "") == 0);
  CHECK(set_code(test, *file, "security.selinux", std::string(3000, 's')) == 0);
  CHECK(set_code(test, *file, "user.", "1") == EINVAL);
  CHECK(set_code(test, *file, "system.posix_acl_access", "x") == EINVAL);
  CHECK(set_code(test, *file, "other", "x") == ENOTSUP);
  CHECK(get(test, *file, "user.a") == "22");
  CHECK(must(list_xattr(test.mount(), *file)).size() == 3);
  REQUIRE(remove_xattr(test.mount(), *file, "user.a"));
  CHECK(remove_xattr(test.mount(), *file, "user.a").error().code == ENODATA);
  file.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("the compression property is checked, acted on and inherited") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto dir = test.mkdir(test.root(), "dir");
  CHECK(set_code(test, *dir, "btrfs.compression", "brotli") == EINVAL);
  CHECK(set_code(test, *dir, "btrfs.compression", "zstd") == 0);
  auto file = test.create(*dir, "file");
  CHECK(file->compress_choice().type == compression_type::kZstd);
  CHECK(get(test, *file, "btrfs.compression") == "zstd");
  CHECK(set_code(test, *file, "btrfs.compression", "none") == 0);
  CHECK(file->compress_choice().type == compression_type::kNone);
  CHECK((file->item().flags & inode_flag::kNoCompress) != 0);
  file.reset();
  dir.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("the counters can be read on the root and nowhere else") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  CHECK(get(test, test.root(), "user.butterfuse.stats").find("inodes_in_memory") != std::string::npos);
  CHECK(get_xattr(test.mount(), *file, "user.butterfuse.stats").error().code == ENODATA);
  CHECK(set_code(test, test.root(), "user.butterfuse.stats", "x") == EPERM);
}

TEST_CASE("extents that a power cut left behind the size do not come back when the file grows") {
  if (!have_btrfs_progs()) return;
  TestMount test("compress=no");
  auto file = test.create(test.root(), "file");
  const uint64_t ino = file->ino();
  test.write(*file, 0, std::string(3 << 20, 'x'));
  file.reset();
  test.remount("clear_cache");  // without what mkfs.btrfs 6.2 leaves in the free space tree
  test.close();
  // As when the extents of its begin were on their way yet: their bytes count, the size does not.
  tamper(test.path(), [&](Filesystem& filesystem, Tree& tree) {
    auto handle = must(filesystem.begin(2));
    InodeItem item = must(read_inode_item(tree, ino));
    item.size = 4096;
    must(write_inode_item(tree, handle, ino, item));
  });
  const bool by_write = GENERATE(true, false);
  test.open("");
  auto again = test.get(test.root(), "file");
  if (by_write) {
    test.write(*again, (4 << 20) - 1, std::string(1, '\0'));
  } else {
    AttrChange change;
    change.size = 4 << 20;
    must(set_attr(test.mount(), *again, change));
  }
  CHECK((test.read(*again) == std::string(4096, 'x') + std::string((4 << 20) - 4096, '\0')));
  again.reset();
  CHECK(test.close_and_count_errors() == 0);
}

TEST_CASE("while a file is being cut, its size on disk stays behind what is there") {
  if (!have_btrfs_progs()) return;
  TestMount test("compress=no");
  auto file = test.create(test.root(), "file");
  test.write(*file, 0, std::string(1 << 20, 'x'));
  must(test.mount().sync());
  must(file->data().truncate_pages(0));
  file->data().lower_disk_size(65536);
  CHECK(file->data().disk_size() == 65536);
}

}  // namespace butterfuse::file_test
