// SPDX-License-Identifier: GPL-2.0-or-later
// Free space trees that are wrong or not valid, and built anew when mounted for writing.
#include <catch2/catch.hpp>

#include "core/volume/superblock.h"
#include "fs/names/unlink.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/tamper.h"
#include "tests/support/test_mount.h"

namespace butterfuse::free_space_rebuild_test {
namespace {

constexpr uint64_t kValid = compat_ro::kFreeSpaceTreeValid;

// Every other file goes, so that free space is in pieces.
void fill(TestMount& test, int first, int end) {
  for (int i = first; i < end; ++i) {
    auto file = test.create(test.root(), "file" + std::to_string(i));
    test.write(*file, 0, std::string(4096 * (1 + i % 5), 'x'));
  }
  must(test.mount().sync());
  for (int i = first; i < end; i += 2) must(unlink(test.mount(), test.root(), "file" + std::to_string(i)));
  must(test.mount().sync());
}

// The tree forgets a piece of free space.
void damage(Filesystem& filesystem) {
  TransactionHandle handle = must(filesystem.begin(4));
  WriteCursor cursor(*filesystem.free_space_tree(), handle);
  must(cursor.seek({0, 0, 0}));
  while (cursor.key().type == key_type::kFreeSpaceInfo) must(cursor.next());
  must(cursor.remove());
}

}  // namespace

TEST_CASE("clear_cache builds a wrong free space tree anew") {
  if (!have_btrfs_progs()) return;
  for (int files : {40, 3000}) {  // as extents, as bitmaps
    TestMount test;
    fill(test, 0, files);
    damage(test.mount().filesystem());
    test.remount();
    CHECK(test.close_and_count_errors() > 0);
    test.open("clear_cache");
    CHECK(test.mount().filesystem().free_space_tree() != nullptr);
    fill(test, 5000, 5050);
    CHECK(test.close_and_count_errors() == 0);
    CHECK(btrfs_check(test.path()) == "");
  }
}

TEST_CASE("a free space tree that is not marked valid is built anew") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  fill(test, 0, 40);
  damage(test.mount().filesystem());
  must(test.mount().close());
  auto& volume = test.mount().filesystem().volume();
  DiskSuper super = must(read_super_mirror(volume.device(), 0));
  super.compat_ro_flags = super.compat_ro_flags & ~kValid;
  must(volume.write_supers(super));
  test.remount("ro");
  CHECK(test.mount().filesystem().free_space_tree() == nullptr);
  test.remount();
  fill(test, 5000, 5050);
  CHECK(test.close_and_count_errors() == 0);
  test.open("ro");
  CHECK((test.mount().filesystem().volume().super().compat_ro_flags & kValid) != 0);
}

TEST_CASE("what mkfs.btrfs left in the free space tree goes with the first writable mount") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  test.close();
  constexpr uint64_t kStart = 1 << 20, kLength = 4 << 20;
  const auto has_leftovers = [&] {
    const auto filesystem = must(Filesystem::open(
        must(open_file_device(test.path(), {.mode = OpenMode::read_only})), {.read_only = true}));
    ReadCursor cursor(*filesystem->free_space_tree());
    return must(cursor.seek({kStart, key_type::kFreeSpaceInfo, kLength}));
  };
  tamper(test.path(), [&](Filesystem& filesystem, Tree&) {
    TransactionHandle handle = must(filesystem.begin(4));
    WriteCursor cursor(*filesystem.free_space_tree(), handle);
    const DiskFreeSpaceInfo info{1, 0};
    must(cursor.seek({kStart, key_type::kFreeSpaceInfo, kLength}));
    must(cursor.insert({kStart, key_type::kFreeSpaceInfo, kLength}, object_bytes(info)));
    must(cursor.seek({kStart, key_type::kFreeSpaceExtent, kLength}));
    must(cursor.insert({kStart, key_type::kFreeSpaceExtent, kLength}, {}));
  });
  REQUIRE(has_leftovers());
  test.open("ro");
  test.close();
  CHECK(has_leftovers());
  test.open("");
  test.close();
  CHECK_FALSE(has_leftovers());
  CHECK(btrfs_check(test.path()) == "");
}

}  // namespace butterfuse::free_space_rebuild_test
