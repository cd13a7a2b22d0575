// SPDX-License-Identifier: GPL-2.0-or-later
// SubtreeSum: the same wherever a subvolume is cut, and tipped by whatever is left out or changed.
#include "core/check/subtree_sum.h"

#include <catch2/catch.hpp>

#include "core/check/tree_walk.h"
#include "fs/names/link.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::subtree_sum_test {
using namespace butterfuse::check;

namespace {

constexpr uint64_t kSeed = 12345;

struct Item {
  Key key;
  std::vector<std::byte> data;
};

// A closed image, and what a check knows of it when subvolumes have their turn.
class TopSubvolume {
 public:
  explicit TopSubvolume(const std::string& path)
      : volume_(must(Volume::open(one_device(must(open_file_device(path, {.mode = OpenMode::read_only})))))),
        state_(*volume_, options_) {
    for (auto* phase : {load_roots, read_extent_tree, count_references, check_csums}) phase(state_);
    walk_items(state_, state_.roots.at(objectid::kFsTree), [&](const Key& key, ByteSpan data, ByteSpan) {
      items.push_back({key, {data.begin(), data.end()}});
    });
  }
  SubtreeSum sum(const std::vector<Item>& some, size_t first, size_t end) const {
    SubtreeSum sum(state_, kSeed);
    for (size_t i = first; i < end; ++i) sum.add(some[i].key, some[i].data);
    return sum;
  }
  bool is_sound(const std::vector<Item>& all) const { return sum(all, 0, all.size()).finish(); }

  std::vector<Item> items;

 private:
  const CheckOptions options_;
  const std::unique_ptr<Volume> volume_;
  CheckState state_;
};

// Each kind of item, a file of several extents with gaps, one with a second name, one whose bytes are inline.
std::string make_image(TestMount& test) {
  for (int i = 0; i < 3; ++i) test.create(test.root(), fmt::format("empty{}", i));
  auto folder = test.mkdir(test.root(), "folder");
  auto file = test.create(*folder, "file");
  for (uint64_t block : {0, 1, 5, 7}) {
    test.write(*file, block * 8192, std::string(4096, 'x'));
    must(test.mount().sync());
  }
  must(link(test.mount(), *file, test.root(), "second"));
  test.write(*test.create(*folder, "small"), 0, "inline");
  file.reset(), folder.reset();
  test.close();
  return test.path();
}

}  // namespace

TEST_CASE("wherever a subvolume is cut in two or three, its sums are the same") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const TopSubvolume subvolume(make_image(test));
  const size_t count = subvolume.items.size();
  REQUIRE(count > 30);
  SubtreeSum whole = subvolume.sum(subvolume.items, 0, count);
  REQUIRE(whole.finish());
  CHECK(whole.inodes() == 7);
  for (size_t first = 0; first <= count; ++first) {
    for (size_t second = first; second <= count; ++second) {
      SubtreeSum left = subvolume.sum(subvolume.items, 0, first);
      SubtreeSum right = subvolume.sum(subvolume.items, first, second);
      right.join(subvolume.sum(subvolume.items, second, count));
      left.join(right);
      INFO("cut at " << first << " and " << second);
      REQUIRE(left.finish());
      REQUIRE(left.inodes() == whole.inodes());
    }
  }
}

TEST_CASE("an item that is missing, twice or out of order tips the balance") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const TopSubvolume subvolume(make_image(test));
  for (size_t i = 0; i < subvolume.items.size(); ++i) {
    INFO(to_text(subvolume.items[i].key));
    std::vector<Item> changed = subvolume.items;
    changed.insert(changed.begin() + static_cast<ptrdiff_t>(i), changed[i]);
    CHECK_FALSE(subvolume.is_sound(changed));
    changed = subvolume.items;
    changed.erase(changed.begin() + static_cast<ptrdiff_t>(i));
    CHECK_FALSE(subvolume.is_sound(changed));
  }
}

TEST_CASE("what a name leads to, its type, its index and its letters all weigh") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  const TopSubvolume subvolume(make_image(test));
  for (size_t i = 0; i < subvolume.items.size(); ++i) {
    const Key key = subvolume.items[i].key;
    std::vector<size_t> places;  // bytes
    if (key.type == key_type::kDirItem || key.type == key_type::kDirIndex)
      places = {offsetof(DiskDirItem, location), offsetof(DiskDirItem, type), sizeof(DiskDirItem)};
    if (key.type == key_type::kInodeRef && key.objectid != objectid::kFirstFree)
      places = {offsetof(DiskInodeRef, index), sizeof(DiskInodeRef)};
    for (const size_t place : places) {
      INFO(to_text(key) << " byte " << place);
      std::vector<Item> changed = subvolume.items;
      changed[i].data[place] ^= std::byte{2};
      CHECK_FALSE(subvolume.is_sound(changed));
    }
  }
}

}  // namespace butterfuse::subtree_sum_test
