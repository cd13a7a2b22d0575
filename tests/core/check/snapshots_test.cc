// SPDX-License-Identifier: GPL-2.0-or-later
// Snapshots: what they share is read and judged once, and what is wrong is told of each that has it.
#include <catch2/catch.hpp>

#include "core/check/checker.h"
#include "core/items/inode_item.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/make_snapshot.h"
#include "tests/support/tamper.h"
#include "tests/support/test_mount.h"

namespace butterfuse::snapshots_test {
namespace {

struct Checked {
  CheckSummary summary;
  std::vector<std::string> findings;
};

Checked check(const std::string& path) {
  Checked checked;
  CheckOptions options;
  options.on_error = [&](const std::string& finding) { checked.findings.push_back(finding); };
  checked.summary =
      must(check_filesystem(must(open_file_device(path, {.mode = OpenMode::read_only})), options));
  return checked;
}

// Files that fill some hundred leaves by what is inline in them. The mount is closed.
void fill(TestMount& test, int files) {
  for (int i = 0; i < files; ++i) {
    auto file = test.create(test.root(), fmt::format("file{}", i));
    test.write(*file, 0, std::string(1500, 'x'));
  }
  test.close();
}

void add_snapshots(const std::string& path, int first, int last) {
  const auto filesystem = open_image(path);
  for (int i = first; i <= last; ++i) make_snapshot(*filesystem, fmt::format("snapshot{}", i));
  must(filesystem->close());
}

void break_link_count(const std::string& path) {
  tamper(path, [](Filesystem& filesystem, Tree& tree) {
    TransactionHandle handle = must(filesystem.begin(4));
    WriteCursor cursor(tree, handle);
    constexpr uint64_t kFile = objectid::kFirstFree + 1;
    if (!must(cursor.seek({kFile, key_type::kInodeItem, 0}))) throw std::runtime_error("no file");
    auto item = load<DiskInodeItem>(must(cursor.mutable_data()));
    item.nlink = 5;
    std::ranges::copy(object_bytes(item), must(cursor.mutable_data()).begin());
  });
}

}  // namespace

TEST_CASE("twenty snapshots cost a check hardly more than one") {
  if (!have_btrfs_progs()) return;
  TestMount test("max_inline=2048");
  fill(test, 1000);
  add_snapshots(test.path(), 1, 1);
  const Checked one = check(test.path());
  REQUIRE(one.findings.empty());
  REQUIRE(one.summary.tree_blocks > 100);

  add_snapshots(test.path(), 2, 20);
  const Checked twenty = check(test.path());
  CHECK(twenty.findings.empty());
  CHECK(twenty.summary.inodes > 20 * 1000);
  // A snapshot has a root of its own, and some leaves that were changed since the one before.
  constexpr uint64_t kBlocksOfSnapshot = 12;
  INFO(one.summary.blocks_read << " blocks read with one snapshot, " << twenty.summary.blocks_read);
  CHECK(twenty.summary.blocks_read < one.summary.blocks_read + 19 * kBlocksOfSnapshot);
  INFO(one.summary.blocks_judged << " blocks judged with one, " << twenty.summary.blocks_judged);
  CHECK(twenty.summary.blocks_judged < one.summary.blocks_judged + 19 * kBlocksOfSnapshot);
}

TEST_CASE("damage that snapshots share is told of each of them") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  fill(test, 50);
  break_link_count(test.path());
  add_snapshots(test.path(), 1, 3);
  const Checked checked = check(test.path());
  REQUIRE(checked.findings.size() == 4);
  CHECK(checked.findings[0] == "root 5: inode 257: link count 5 but 1 references");
  for (size_t i = 1; i < 4; ++i)
    CHECK(checked.findings[i] == fmt::format("root {}: inode 257: link count 5 but 1 references", 255 + i));
}

TEST_CASE("damage in one subvolume is not told of the snapshots that were made before") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  fill(test, 50);
  add_snapshots(test.path(), 1, 3);
  break_link_count(test.path());
  const Checked checked = check(test.path());
  REQUIRE(checked.findings.size() == 1);
  CHECK(checked.findings[0] == "root 5: inode 257: link count 5 but 1 references");
}

}  // namespace butterfuse::snapshots_test
