// SPDX-License-Identifier: GPL-2.0-or-later
// Salvage: what a damaged node led to.
#include <catch2/catch.hpp>

#include "tests/core/repair/repaired.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::salvage_test {
namespace {

constexpr int kFiles = 300;

// A file tree of many leaves and one node.
class ManyFiles {
 public:
  ManyFiles() : test_("", {"-n", "4096", "-m", "single"}) {
    for (int number = 0; number < kFiles; ++number) test_.create(test_.root(), name(number));
    test_.remount("clear_cache");
    test_.close();
  }
  const std::string& path() const { return test_.path(); }
  void edit_root(const std::function<void(std::vector<std::byte>& block)>& edit) {
    edit_block(path(), root_block_of(path(), objectid::kFsTree), [&](std::vector<std::byte>& block) {
      REQUIRE(header_of(block).level == 1);
      edit(block);
    });
  }
  // The fourth leaf.
  void edit_leaf(const std::function<void(std::vector<std::byte>& block)>& edit) {
    uint64_t bytenr = 0;
    edit_root([&](std::vector<std::byte>& block) { bytenr = NodeView(block).ptr(3).blockptr; });
    edit_block(path(), bytenr, edit);
  }
  void repair_and_find_all() {
    const TempDir folder;
    const Repaired repaired = repair_file(path(), folder / "undo");
    INFO(repaired.actions);
    CHECK(repaired.before > 0);
    CHECK(repaired.after == 0);
    CHECK(btrfs_check(path()) == "");
    test_.open("");
    int found = 0;
    for (int number = 0; number < kFiles; ++number) found += test_.exists(test_.root(), name(number));
    CHECK(found == kFiles);
    CHECK_FALSE(test_.exists(test_.root(), "lost+found"));
  }

 private:
  static std::string name(int number) { return "file" + std::to_string(number); }
  TestMount test_;
};

}  // namespace

TEST_CASE("leaves behind a wrong key are not lost") {
  if (!have_btrfs_progs()) return;
  ManyFiles files;
  const uint64_t objectid = GENERATE(uint64_t{1}, uint64_t{1} << 40);
  files.edit_root([&](std::vector<std::byte>& block) {
    DiskKeyPtr ptr = NodeView(block).ptr(3);
    ptr.key = Key{objectid, key_type::kInodeItem, 0};
    store(MutableByteSpan(block).subspan(sizeof(DiskHeader) + 3 * sizeof ptr), ptr);
  });
  files.repair_and_find_all();
}

TEST_CASE("leaves behind a lost node are found by the extent tree") {
  if (!have_btrfs_progs()) return;
  ManyFiles files;
  files.edit_root(wipe);
  files.repair_and_find_all();
}

TEST_CASE("leaves that a node has lost are found by the extent tree") {
  if (!have_btrfs_progs()) return;
  ManyFiles files;
  const bool all = GENERATE(true, false);
  INFO((all ? "all of them" : "the last one"));
  files.edit_root([&](std::vector<std::byte>& block) {
    auto header = load<DiskHeader>(block);
    header.nritems = all ? 0 : header.nritems - 1;
    store(MutableByteSpan(block), header);
  });
  files.repair_and_find_all();
}

TEST_CASE("a leaf that lies where another was pointed to leaves room for that one") {
  if (!have_btrfs_progs()) return;
  ManyFiles files;
  files.edit_root([](std::vector<std::byte>& block) {
    DiskKeyPtr ptr = NodeView(block).ptr(3);
    ptr.blockptr = NodeView(block).ptr(5).blockptr;
    store(MutableByteSpan(block).subspan(sizeof(DiskHeader) + 3 * sizeof ptr), ptr);
  });
  files.repair_and_find_all();
}

TEST_CASE("a block of nobody is its tree's by the extent tree") {
  if (!have_btrfs_progs()) return;
  ManyFiles files;
  const auto disown = [](std::vector<std::byte>& block) {
    auto header = load<DiskHeader>(block);
    header.owner = 77;
    store(MutableByteSpan(block), header);
  };
  SECTION("a leaf") { files.edit_leaf(disown); }
  SECTION("a node") { files.edit_root(disown); }
  files.repair_and_find_all();
}

TEST_CASE("an item with a wrong size does not shift those behind it") {
  if (!have_btrfs_progs()) return;
  ManyFiles files;
  const int wrong_by = GENERATE(4, -4, 4000);
  files.edit_leaf([&](std::vector<std::byte>& block) {
    constexpr uint32_t slot = 2;
    DiskItem item = LeafView(block).item(slot);
    item.size = item.size + static_cast<uint32_t>(wrong_by);
    store(MutableByteSpan(block).subspan(sizeof(DiskHeader) + slot * sizeof item), item);
  });
  files.repair_and_find_all();
}

TEST_CASE("a block that is not marked as written is found") {
  if (!have_btrfs_progs()) return;
  ManyFiles files;
  files.edit_leaf([](std::vector<std::byte>& block) {
    auto header = load<DiskHeader>(block);
    header.flags = 0;
    store(MutableByteSpan(block), header);
  });
  files.repair_and_find_all();
}

}  // namespace butterfuse::salvage_test
