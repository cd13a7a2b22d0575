// SPDX-License-Identifier: GPL-2.0-or-later
// Repair of subvolumes and snapshots, which share most of their blocks.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/core/repair/victim.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/kernel_mount.h"
#include "tests/support/run_command.h"

namespace butterfuse::subvolume_test {
namespace fs = std::filesystem;

namespace {

constexpr int kFiles = 5000, kRemoved = 1000;  // three levels of nodes
constexpr uint64_t kSnapshot = objectid::kFirstFree;

enum class Lost { root, below_root, both };

std::string name(int number) { return "file" + std::to_string(number); }

// All files are in a snapshot; in the top subvolume the first ones are gone, and one is new.
class Snapshotted {
 public:
  Snapshotted() {
    fs::resize_file((std::ofstream(path_), path_), 256 << 20);
    REQUIRE(run_command({"mkfs.btrfs", "-q", "-n", "4096", "-m", "single", path_}).ok());
    const KernelMount mount(path_, top_);
    REQUIRE(mount.mounted());
    for (int number = 0; number < kFiles; ++number) std::ofstream(top_ + "/" + name(number)) << number;
    REQUIRE(run_command({"btrfs", "subvolume", "snapshot", top_, top_ + "/snapshot"}).ok());
    for (int number = 0; number < kRemoved; ++number) fs::remove(top_ + "/" + name(number));
    std::ofstream(top_ + "/new") << "new";
  }

  // Loses the root node of a subvolume, or all but the first of the nodes below it, or all of these.
  void lose_nodes(uint64_t subvolume, Lost which) {
    std::vector<uint64_t> lost{root_block_of(path_, subvolume)};
    edit_block(path_, lost.front(), [&](std::vector<std::byte>& block) {
      REQUIRE(header_of(block).level == 2);
      if (which == Lost::root) return;
      if (which == Lost::below_root) lost.clear();
      for (uint32_t slot = 1; slot < NodeView(block).count(); ++slot)
        lost.push_back(NodeView(block).ptr(slot).blockptr);
    });
    for (const uint64_t bytenr : lost) edit_block(path_, bytenr, wipe);
  }
  void repair() {
    const Repaired repaired = repair_file(path_, folder_ / "undo");
    INFO(repaired.actions);
    CHECK(repaired.before > 0);
    CHECK(repaired.after == 0);
    CHECK(btrfs_check(path_) == "");
  }

  const std::string& path() const { return path_; }
  // How many of the files [first, end) are in the folder with what they held. The image is sound again: the
  // kernel writes to each, and makes a file beside them.
  int count(const std::string& folder, int first, int end) {
    const KernelMount mount(path_, top_);
    REQUIRE(mount.mounted());
    int right = 0;
    for (int number = first; number < end; ++number) {
      const std::string file = top_ + "/" + folder + name(number);
      std::string text;
      std::ifstream(file) >> text;
      right += text == std::to_string(number);
      if (!text.empty()) std::ofstream(file, std::ios::app) << ' ';
    }
    REQUIRE(run_command({"sync", "-f", top_}).ok());
    REQUIRE(std::ofstream(top_ + "/" + folder + "written behind it").good());
    return right;
  }

 private:
  const TempDir folder_;
  const std::string path_ = folder_ / "image", top_ = folder_ / "mnt";
};

}  // namespace

TEST_CASE("where nodes of a snapshot are lost, it and the subvolume it is of get back what each had") {
  if (!have_btrfs_progs() || !kernel_can_mount()) return;
  const uint64_t subvolume = GENERATE(kSnapshot, objectid::kFsTree);
  const Lost which = GENERATE(Lost::root, Lost::below_root, Lost::both);
  INFO("subvolume " << subvolume << " case " << static_cast<int>(which));
  Snapshotted image;
  image.lose_nodes(subvolume, which);
  image.repair();
  CHECK(image.count("snapshot/", 0, kFiles) == kFiles);
  CHECK(image.count("", kRemoved, kFiles) == kFiles - kRemoved);
  CHECK(image.count("", 0, kRemoved) == 0);
  CHECK(btrfs_check(image.path()) == "");
}

TEST_CASE("a snapshot is found by the extent tree, and stays where its entry is") {
  if (!have_btrfs_progs() || !kernel_can_mount()) return;
  Snapshotted image;
  const auto edit_root_item = [&](void (*change_it)(DiskRootItem&)) {
    edit_item(image.path(), objectid::kRootTree, {kSnapshot, key_type::kRootItem, 0},
              [&](Victim& victim) { victim.change<DiskRootItem>(change_it); });
  };
  SECTION("flags") {
    edit_root_item([](DiskRootItem& root) { root.flags = root.flags | 1 << 20; });
  }
  SECTION("no references") {
    edit_root_item([](DiskRootItem& root) { root.refs = 0; });
  }
  SECTION("no last snapshot") {
    edit_root_item([](DiskRootItem& root) { root.last_snapshot = 0; });
  }
  SECTION("another subvolume's block") {
    static uint64_t other = 0;
    other = root_block_of(image.path(), objectid::kFsTree);
    edit_root_item([](DiskRootItem& root) { root.bytenr = other; });
  }
  SECTION("no root item") {
    edit_item(image.path(), objectid::kRootTree, {kSnapshot, key_type::kRootItem, 0},
              [](Victim& victim) { victim.remove(); });
  }
  SECTION("another index in its ROOT_BACKREF") {
    edit_item(image.path(), objectid::kRootTree, {kSnapshot, key_type::kRootBackref, objectid::kFsTree},
              [](Victim& victim) {
                victim.change<DiskRootRef>([](DiskRootRef& ref) { ref.sequence = ref.sequence + 7; });
              });
  }
  SECTION("no DIR_INDEX") {  // the last but one: there is a new file
    edit_item(image.path(), objectid::kFsTree, {objectid::kFirstFree, key_type::kDirIndex, kFiles + 2},
              [](Victim& victim) { victim.remove(); });
  }
  image.repair();
  CHECK(image.count("snapshot/", 0, kFiles) == kFiles);
  CHECK(image.count("", kRemoved, kFiles) == kFiles - kRemoved);
  CHECK(image.count("", 0, kRemoved) == 0);
  CHECK(btrfs_check(image.path()) == "");
}

TEST_CASE(
    "where the first leaf of a subvolume is lost, its directories are made anew, and all it holds is there") {
  if (!have_btrfs_progs() || !kernel_can_mount()) return;
  Snapshotted image;
  uint64_t bytenr = root_block_of(image.path(), objectid::kFsTree);
  for (int level = 2; level > 0; --level)
    edit_block(image.path(), bytenr,
               [&](std::vector<std::byte>& block) { bytenr = NodeView(block).ptr(0).blockptr; });
  edit_block(image.path(), bytenr, wipe);
  image.repair();
  CHECK(image.count("snapshot/", 0, kFiles) == kFiles);
  CHECK(image.count("", kRemoved, kFiles) == kFiles - kRemoved);
  CHECK(btrfs_check(image.path()) == "");
}

}  // namespace butterfuse::subvolume_test
