// SPDX-License-Identifier: GPL-2.0-or-later
// Scrub of trees and superblocks: each copy whole, whoever can read around it.
#include <catch2/catch.hpp>

#include "core/volume/superblock.h"
#include "tests/core/scrub/scrub_rig.h"

namespace butterfuse::scrub_trees_test {
namespace {

void check_counts(const ScrubProgress& progress, uint64_t csum_errors, uint64_t corrected) {
  CHECK(progress.csum_errors == csum_errors);
  CHECK(progress.corrected == corrected);
  CHECK(progress.uncorrectable == csum_errors - corrected);
  CHECK(progress.read_errors == 0);
}

}  // namespace

TEST_CASE("a bad copy of a tree block is one error, and brought back") {
  ScrubRig rig(2, MkfsProfile::raid1, MkfsProfile::single);
  rig.put("file", 100'000);
  const uint64_t root = rig.fs_tree_root();
  rig.flip(root + 200, 0);
  rig.flip(root + 9000, 0);  // in another sector of it
  const uint64_t bad = rig.place(root, 0).disk + 1, good = 3 - bad;
  check_counts(rig.scrub(good).progress, 0, 0);
  check_counts(rig.scrub(bad, false).progress, 1, 0);
  check_counts(rig.scrub(bad).progress, 1, 1);
  check_counts(rig.scrub(bad).progress, 0, 0);
  CHECK(rig.checked().bad_copies == 0);
}

TEST_CASE("of DUP both copies are verified, and each brought back from the other") {
  for (const size_t copy : {0, 1}) {
    ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
    rig.put("file", 100'000);
    rig.flip(rig.fs_tree_root() + 200, copy);
    const ScrubProgress progress = rig.scrub(1).progress;
    check_counts(progress, 1, 1);
    CHECK(progress.tree_extents == rig.extents(true).size());
    CHECK(progress.tree_bytes == 2 * rig.extents(true).size() * rig.filesystem().volume().nodesize());
    CHECK(rig.checked().bad_copies == 0);
  }
}

TEST_CASE("a tree block without a good copy is counted for each of them, and left") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  rig.put("file", 100'000);
  const uint64_t root = rig.fs_tree_root();
  rig.flip(root + 200, 0);
  rig.flip(root + 300, 1);
  for (int round = 0; round < 2; ++round) check_counts(rig.scrub(1).progress, 2, 0);
}

TEST_CASE("a copy that is a sound block of an older commit is bad") {
  ScrubRig rig(2, MkfsProfile::raid1, MkfsProfile::single);
  rig.put("file", 100'000);
  const uint64_t root = rig.fs_tree_root();
  const auto [disk, physical] = rig.place(root, 0);
  std::vector<std::byte> block(rig.filesystem().volume().nodesize());
  must(rig.disks[disk]->read(physical, block));
  DiskHeader header = load<DiskHeader>(block);
  header.generation = header.generation - 1;
  store(block, header);
  const auto sum = checksum(CsumType::crc32c, ByteSpan(block).subspan(sizeof(header.csum)));
  std::copy_n(sum.begin(), sizeof(header.csum), block.begin());
  must(rig.disks[disk]->write(physical, block, WriteKind::metadata));
  check_counts(rig.scrub(disk + 1).progress, 1, 1);
  CHECK(rig.checked().bad_copies == 0);
}

TEST_CASE("a bad superblock mirror is counted, and the next commit writes it anew") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  rig.put("file", 100'000);
  (void)rig.filesystem();  // whoever opens it for writing mends mirrors that are bad by then
  const std::vector<std::byte> zeros(kSuperSize);
  must(rig.disks[0]->write(super_mirror_offset(1), zeros, WriteKind::super));
  const ScrubProgress progress = rig.scrub(1).progress;
  CHECK(progress.super_errors == 1);
  CHECK(progress.errors() == 1);
  CHECK(progress.corrected == 0);
  CHECK(progress.uncorrectable == 0);
  rig.close();
  rig.put("another", 100'000);
  CHECK(rig.scrub(1).progress.super_errors == 0);
}

TEST_CASE("blocks that the running transaction made are not looked at, for they may not be written yet") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  Filesystem& filesystem = rig.filesystem();
  const size_t before = rig.extents(true).size();
  std::vector<std::byte> value(1000);
  {
    TransactionHandle handle = must(filesystem.begin(40));
    Tree& tree = *must(filesystem.subvolume(objectid::kFsTree));
    WriteCursor cursor(tree, handle);
    for (uint64_t index = 0; index < 40; ++index)
      must(cursor.insert({objectid::kFirstFree + 1000, key_type::kXattrItem, index}, value));
  }
  const ScrubProgress progress = rig.scrub(1).progress;
  check_counts(progress, 0, 0);
  CHECK(progress.tree_extents <= before);
}

}  // namespace butterfuse::scrub_trees_test
