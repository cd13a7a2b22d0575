// SPDX-License-Identifier: GPL-2.0-or-later
// Rights: every ioctl asks for what the kernel asks for, and nobody is believed who can't be seen.
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>

#include <catch2/catch.hpp>

#include "fs/attributes/xattr.h"
#include "fs/control/ioctl.h"
#include "tests/support/memory_mount.h"

namespace butterfuse::rights_test {
namespace {

Credentials of_user(uid_t uid, gid_t gid = 100, uint64_t capabilities = 0) {
  Credentials who;
  who.known = true;
  who.uid = uid, who.gid = gid;
  who.capabilities = capabilities;
  return who;
}

Credentials of_root() { return of_user(0, 0, ~uint64_t{0}); }

int code_of(MemoryMount& test, Inode& inode, uint32_t number, const Credentials& who, bool cancelled = false,
            bool mounted_read_only = false) {
  const std::vector<std::byte> in(8192);
  const auto answer = ioctl(number, {.mount = test.mount(),
                                     .inode = inode,
                                     .in = in,
                                     .opened_for_writing = false,
                                     .credentials = [&] { return who; },
                                     .mounted_read_only = [&] { return mounted_read_only; },
                                     .cancelled = [&] { return cancelled; }});
  return answer ? 0 : answer.error().code;
}

constexpr uint32_t kAdministering[] = {BTRFS_IOC_SET_FSLABEL,  FITRIM,
                                       BTRFS_IOC_SCRUB,        BTRFS_IOC_SCRUB_PROGRESS,
                                       BTRFS_IOC_SCRUB_CANCEL, _IOR('X', 125, uint32_t)};

}  // namespace

TEST_CASE("what administers the file system is refused to everybody but root and who serves the mount") {
  MemoryMount test;
  Credentials unseen = of_root();
  unseen.known = false;
  Credentials server = of_user(1000);
  server.serves = true;
  for (const uint32_t number : kAdministering) {
    CAPTURE(number);
    CHECK(code_of(test, test.mount().root(), number, of_user(1000)) == EPERM);
    CHECK(code_of(test, test.mount().root(), number, unseen) == EPERM);
    CHECK(code_of(test, test.mount().root(), number,
                  of_user(1000, 100, ~(uint64_t{1} << capability::kSysAdmin))) == EPERM);
    if (number == kAdministering[5]) continue;  // it would be the last call
    CHECK(code_of(test, test.mount().root(), number, of_root()) != EPERM);
    CHECK(code_of(test, test.mount().root(), number, server) != EPERM);
  }
}

TEST_CASE("no number is in the table twice, and each has a handler") {
  std::vector<uint32_t> numbers;
  for (const auto family : {file_ioctls(), filesystem_ioctls(), subvolume_ioctls(), scrub_ioctls()})
    for (const IoctlCommand& command : family) {
      CHECK(command.handler != nullptr);
      CHECK(find_ioctl(command.number) == &command);
      numbers.push_back(command.number);
    }
  CHECK(numbers.size() > 20);
}

TEST_CASE("whoever can't write a file can't have it written anew") {
  MemoryMount test;
  auto file = test.create("file");
  test.write(*file, 0, "text");
  Inode& inode = *file->inode;
  const auto chmod = [&](uint32_t mode) {
    inode.change([&](InodeItem& item) { item.mode = 0100000 | mode, item.uid = 1000, item.gid = 100; });
    inode.mark_dirty();
  };
  struct {
    uint32_t mode;
    int owner, member, other;
  } const rows[] = {{0644, 0, EPERM, EPERM}, {0664, 0, 0, EPERM}, {0466, EPERM, 0, 0}, {0602, 0, EPERM, 0}};
  for (const auto& row : rows) {
    CAPTURE(row.mode);
    chmod(row.mode);
    CHECK(code_of(test, inode, BTRFS_IOC_DEFRAG, of_user(1000, 50)) == row.owner);
    CHECK(code_of(test, inode, BTRFS_IOC_DEFRAG, of_user(1001, 100)) == row.member);
    Credentials supplementary = of_user(1001, 50);
    supplementary.groups = {7, 100};
    CHECK(code_of(test, inode, BTRFS_IOC_DEFRAG, supplementary) == row.member);
    CHECK(code_of(test, inode, BTRFS_IOC_DEFRAG, of_user(1001, 50)) == row.other);
    CHECK(code_of(test, inode, BTRFS_IOC_DEFRAG, of_root()) == 0);
    CHECK(code_of(test, inode, BTRFS_IOC_DEFRAG, {}) == EPERM);
  }
  inode.change([](InodeItem& item) { item.flags |= inode_flag::kImmutable; });
  CHECK_FALSE(must(may_write(test.mount(), inode, of_root())));
}

TEST_CASE("a long call does not begin once it is not wanted any more") {
  MemoryMount test;
  auto file = test.create("file");
  for (const uint32_t number : {uint32_t{BTRFS_IOC_DEFRAG}, uint32_t{BTRFS_IOC_SYNC}, uint32_t{FITRIM}}) {
    CAPTURE(number);
    CHECK(code_of(test, *file->inode, number, of_root(), true) == EINTR);
  }
  CHECK(code_of(test, *file->inode, BTRFS_IOC_FS_INFO, of_root(), true) == 0);
}

TEST_CASE("a mount that was made read-only is not written by ioctl either") {
  MemoryMount test;
  auto file = test.create("file");
  for (const uint32_t number : {uint32_t{BTRFS_IOC_DEFRAG}, uint32_t{BTRFS_IOC_SET_FSLABEL}, uint32_t{FITRIM},
                                uint32_t{FS_IOC_SETFLAGS}}) {
    CAPTURE(number);
    CHECK(code_of(test, *file->inode, number, of_root(), false, true) == EROFS);
  }
}

}  // namespace butterfuse::rights_test
