// SPDX-License-Identifier: GPL-2.0-or-later
// Mending what an engine writes only when it is wrong: extents that overlap, directories with two names.
#include <catch2/catch.hpp>

#include "core/items/root_ref.h"
#include "core/repair/name_edit.h"
#include "tests/core/repair/repaired.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/tamper.h"
#include "tests/support/test_images.h"
#include "tests/support/test_mount.h"

namespace butterfuse::mend_test {
namespace {

constexpr uint64_t kBlock = 4096;

// Each block another letter, so that a wrong offset shows.
std::string blocks(char first, uint64_t count) {
  std::string text;
  for (uint64_t block = 0; block < count; ++block) text.append(kBlock, static_cast<char>(first + block));
  return text;
}

void repair_and_judge(const std::string& path) {
  const TempDir folder;
  const Repaired repaired = repair_file(path, folder / "undo");
  INFO(repaired.actions);
  CHECK(repaired.before > 0);
  CHECK(repaired.after == 0);
  std::string findings;
  check_of(path, findings);
  CHECK(findings == "");
  CHECK(btrfs_check(path) == "");
}

// An empty file "name" in the top directory; its inode number.
uint64_t make_name_and_close(TestMount& test) {
  const uint64_t ino = test.create(test.root(), "name")->ino();
  test.remount("clear_cache");
  test.close();
  return ino;
}

struct Overlap {
  const char* name;
  uint64_t start, count;  // blocks of the file's second extent, that comes to lie over the first one of 16
  bool newer;
  std::string expected;  // and zeros behind it
};

const Overlap kOverlaps[] = {
    {"newer, in the middle", 4, 4, true, blocks('A', 4) + blocks('a', 4) + blocks('I', 8)},
    {"newer, over the end", 12, 8, true, blocks('A', 12) + blocks('a', 8)},
    {"older, over the end", 12, 8, false, blocks('A', 16) + blocks('e', 4)},
    {"older, inside", 4, 4, false, blocks('A', 16)},
};

}  // namespace

TEST_CASE("of extents that overlap the newer one keeps the bytes") {
  if (!have_btrfs_progs()) return;
  const Overlap& overlap = kOverlaps[GENERATE(range(size_t{0}, std::size(kOverlaps)))];
  INFO(overlap.name);
  TestMount test("compress=no");
  auto file = test.create(test.root(), "file");
  test.write(*file, 0, blocks('A', 16));
  must(test.mount().sync());
  test.write(*file, 16 * kBlock, blocks('a', 8));
  const uint64_t ino = file->ino();
  file.reset();
  test.remount("clear_cache");
  test.close();
  edit_leaf(test.path(), objectid::kFsTree, [&](std::vector<std::byte>& block) {
    const LeafView leaf(block);
    uint32_t slot = 0;
    while (leaf.key(slot) != Key{ino, key_type::kExtentData, 16 * kBlock}) ++slot;
    DiskItem item = leaf.item(slot);
    item.key.offset = overlap.start * kBlock;
    store(MutableByteSpan(block).subspan(sizeof(DiskHeader) + slot * sizeof item), item);
    auto extent = load<DiskFileExtent>(leaf.data(slot));
    extent.num_bytes = overlap.count * kBlock;
    if (!overlap.newer) extent.generation = 1;
    store(MutableByteSpan(block).subspan(sizeof(DiskHeader) + item.offset), extent);
  });

  repair_and_judge(test.path());
  test.open("");
  std::string expected = overlap.expected;
  expected.resize(24 * kBlock, '\0');
  CHECK(test.read(*test.get(test.root(), "file")) == expected);
}

TEST_CASE("a directory with two names keeps the whole one") {
  if (!have_btrfs_progs()) return;
  const bool with_index = GENERATE(true, false);
  TestMount test;
  auto dir = test.mkdir(test.root(), "whole");
  test.create(*dir, "file");
  const uint64_t ino = dir->ino();
  dir.reset();
  test.remount("clear_cache");
  test.close();
  tamper(test.path(), [&](Filesystem& filesystem, Tree& tree) {
    constexpr uint64_t kRoot = objectid::kFirstFree, kIndex = 99;
    repair::NameEdit edit(filesystem, tree);
    const repair::FoundEntry entry{{ino, key_type::kInodeItem, 0}, file_type::kDir};
    must(edit.set_item(kRoot, "another", entry));
    if (with_index) must(edit.set_index(kRoot, kIndex, "another", entry));
    must(edit.set_reference(ino, kRoot, "another", kIndex));
  });

  repair_and_judge(test.path());
  test.open("");
  const std::string kept = with_index ? "another" : "whole";  // of two that are whole the first
  CHECK(test.exists(test.root(), kept));
  CHECK_FALSE(test.exists(test.root(), with_index ? "whole" : "another"));
  CHECK(test.exists(*test.get(test.root(), kept), "file"));
}

TEST_CASE("a subvolume without an entry gets the one that its reference speaks of") {
  if (!have_btrfs_progs() || golden_dir().empty()) return;
  const bool without_reference = GENERATE(false, true);
  const UnpackedImage image = UnpackedImage::golden("subvols");
  const std::string path = image.devices().front();
  std::string name;
  uint64_t child = 0;
  tamper(path, [&](Filesystem& filesystem, Tree&) {
    for (const SubvolumeLink& link : must(list_subvolumes(filesystem))) {
      if (link.parent_root_id != objectid::kFsTree) continue;
      name = link.name, child = link.root_id;
      repair::NameEdit edit(filesystem, *must(filesystem.subvolume(link.parent_root_id)));
      must(edit.set_item(link.dir_ino, link.name, std::nullopt));
      must(edit.remove_index(link.dir_ino, link.index));
      if (!without_reference) break;
      auto handle = must(filesystem.begin(10));
      WriteCursor cursor(filesystem.root_tree(), handle);
      REQUIRE(must(cursor.seek({link.parent_root_id, key_type::kRootRef, child})));
      must(cursor.remove());
      REQUIRE(must(cursor.seek({child, key_type::kRootBackref, link.parent_root_id})));
      must(cursor.remove());
      break;
    }
  });
  REQUIRE(child != 0);
  repair_and_judge(path);
  auto filesystem = open_image(path);
  for (const SubvolumeLink& link : must(list_subvolumes(*filesystem)))
    if (link.root_id == child)
      CHECK(link.name == (without_reference ? "lost-subvolume-" + std::to_string(child) : name));
}

TEST_CASE("a damaged name does not become a second one") {
  if (!have_btrfs_progs()) return;
  const bool in_item = GENERATE(true, false);
  TestMount test;
  const uint64_t ino = make_name_and_close(test);
  tamper(test.path(), [&](Filesystem& filesystem, Tree& tree) {
    constexpr uint64_t kRoot = objectid::kFirstFree;
    repair::NameEdit edit(filesystem, tree);
    const repair::FoundEntry entry{{ino, key_type::kInodeItem, 0}, file_type::kRegular};
    if (in_item) {
      must(edit.set_item(kRoot, "name", std::nullopt));
      must(edit.set_item(kRoot, "n\x01me", entry));
    } else {
      must(edit.set_index(kRoot, 2, "n\x01me", entry));
    }
  });
  repair_and_judge(test.path());
  test.open("");
  CHECK(test.exists(test.root(), "name"));
  CHECK_FALSE(test.exists(test.root(), "n\x01me"));
  CHECK(test.get(test.root(), "name")->nlink() == 1);
}

TEST_CASE("a name that is there twice is there once again") {
  if (!have_btrfs_progs()) return;
  const bool in_item = GENERATE(true, false);
  TestMount test;
  const uint64_t ino = make_name_and_close(test);
  tamper(test.path(), [&](Filesystem& filesystem, Tree& tree) {
    constexpr uint64_t kRoot = objectid::kFirstFree;
    if (!in_item)
      return must(repair::NameEdit(filesystem, tree)
                      .set_index(kRoot, 77, "name", {{ino, key_type::kInodeItem, 0}, file_type::kRegular}));
    auto handle = must(filesystem.begin(10));
    WriteCursor cursor(tree, handle);
    const Key key{kRoot, key_type::kDirItem, name_hash("name")};
    REQUIRE(must(cursor.seek(key)));
    std::vector<std::byte> twice(cursor.data().begin(), cursor.data().end());
    twice.insert(twice.end(), cursor.data().begin(), cursor.data().end());
    must(cursor.remove());
    must(cursor.insert(key, ByteSpan(twice)));
  });
  repair_and_judge(test.path());
  test.open("");
  CHECK(test.get(test.root(), "name")->nlink() == 1);
}

TEST_CASE("a file system that grew out of a seed is repaired beside it") {
  if (!have_btrfs_progs() || golden_dir().empty()) return;
  const UnpackedImage image = UnpackedImage::golden("seed-sprout");
  REQUIRE(image.devices().size() == 2);
  const std::string seed = image.devices()[0], sprout = image.devices()[1];
  const auto devices = [&] {
    BlockDevices opened;
    opened.push_back(must(open_file_device(sprout, {})));
    opened.push_back(must(open_file_device(seed, {.mode = OpenMode::read_only})));
    return opened;
  };
  {
    auto volume = must(Volume::open(devices()));
    DiskSuper super = volume->super();
    super.bytes_used = super.bytes_used + 4096;  // so that trees are written anew
    must(volume->write_supers(super));
  }
  const TempDir folder;
  std::vector<std::shared_ptr<BlockDevice>> shared;
  for (auto& device : devices()) shared.push_back(std::move(device));
  const Repaired repaired = repair_devices(std::move(shared), folder / "undo");
  INFO(repaired.actions);
  CHECK(repaired.before > 0);
  CHECK(repaired.after == 0);
  std::string findings;
  CheckOptions options;
  options.on_error = [&](const std::string& finding) { findings += finding + "\n"; };
  must(check_filesystem(devices(), options));
  CHECK(findings == "");
}

}  // namespace butterfuse::mend_test
