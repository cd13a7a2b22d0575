// SPDX-License-Identifier: GPL-2.0-or-later
// Told owner: with `fakeroot` the kernel learns one owner, and stat(2) shows another.
#include "fs/fuse/told_owner.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>

#include "tests/fs/fuse/fuse_rig.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::told_owner_test {
namespace {

constexpr uint32_t kOwner = 4711, kGroup = 4712;
constexpr uint64_t kRoot = NodeIds::kRootNode;

struct OwnedRig : FuseRig {
  InodePtr file = made("file", S_IFREG | 0644), folder = made("folder", S_IFDIR | 0755);

  explicit OwnedRig(const std::string& options) : FuseRig(options) { hello(); }
  InodePtr made(const char* name, uint32_t mode) {
    InodePtr inode = must(create(mount(), mount().root(), name, {.mode = mode}, {}));
    inode->change([](InodeItem& item) { item.uid = kOwner, item.gid = kGroup; });
    inode->mark_dirty();
    return inode;
  }
  fuse_entry_out looked_up(const char* name) {
    return call(FUSE_LOOKUP, kRoot, {name_bytes(name)}).as<fuse_entry_out>();
  }
  fuse_attr_out shown(const Inode& inode) {
    return call(FUSE_GETATTR, node_of(inode), {object_bytes(fuse_getattr_in{})}).as<fuse_attr_out>();
  }
};

}  // namespace

TEST_CASE("without fakeroot the kernel is told what is stored, for an hour") {
  OwnedRig rig("");
  const fuse_entry_out entry = rig.looked_up("file");
  CHECK(entry.attr.uid == kOwner);
  CHECK(entry.attr.gid == kGroup);
  CHECK(entry.attr_valid == 3600);
  CHECK(entry.entry_valid == 3600);
  const fuse_attr_out attr = rig.shown(*rig.file);
  CHECK(attr.attr.uid == kOwner);
  CHECK(attr.attr_valid == 3600);
  CHECK(rig.notifications.empty());
}

TEST_CASE("with fakeroot look-ups tell of the one who serves, and keep no file's mode") {
  OwnedRig rig("fakeroot");
  for (const char* name : {"file", "folder"}) {
    INFO(name);
    const fuse_entry_out entry = rig.looked_up(name);
    CHECK(entry.attr.uid == geteuid());
    CHECK(entry.attr.gid == getegid());
    CHECK(entry.attr_valid == 0);
  }
  CHECK(rig.looked_up("file").entry_valid == 0);
  CHECK(rig.looked_up("folder").entry_valid == 3600);
}

TEST_CASE("with fakeroot stat(2) shows what is stored, behind a word that older answers are void") {
  OwnedRig rig("fakeroot");
  const fuse_attr_out attr = rig.shown(*rig.file);
  CHECK(attr.attr.uid == kOwner);
  CHECK(attr.attr.gid == kGroup);
  CHECK(attr.attr_valid == 0);
  REQUIRE(rig.notifications.size() == 1);
  CHECK(rig.notifications[0].code == FUSE_NOTIFY_INVAL_INODE);
  const auto told = rig.notifications[0].as<fuse_notify_inval_inode_out>();
  CHECK(told.ino == rig.node_of(*rig.file));
  CHECK(told.off < 0);  // of attributes only
}

TEST_CASE("the lesson of the top directory is over when its path was asked, and is not given without need") {
  MemoryMount plain, fake("fakeroot");
  const TempDir folder;
  CHECK(TopLesson::begin(plain.mount(), folder.path()) == nullptr);
  CHECK(TopLesson::begin(fake.mount(), "") == nullptr);
  const auto lesson = TopLesson::begin(fake.mount(), folder.path());
  REQUIRE(lesson != nullptr);
  const auto begun = std::chrono::steady_clock::now();
  lesson->wait();
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(900));
  CHECK_FALSE(lesson->is_asked_by(0));
  CHECK_FALSE(lesson->is_asked_by(gettid()));
}

TEST_CASE("of the top directory all are shown what is stored, once its lesson is over") {
  OwnedRig rig("fakeroot");
  rig.mount().root().change([](InodeItem& item) { item.uid = kOwner; });
  rig.mount().root().mark_dirty();
  const TempDir folder;
  rig.context().top_lesson = TopLesson::begin(rig.mount(), folder.path());
  REQUIRE(rig.context().top_lesson != nullptr);
  CHECK(rig.shown(rig.mount().root()).attr.uid == kOwner);
}

}  // namespace butterfuse::told_owner_test
