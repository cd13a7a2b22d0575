// SPDX-License-Identifier: GPL-2.0-or-later
// The free space tree's items after random changes: exactly the free runs, in the form thresholds ask for.
#include "core/free_space/free_space_tree.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/support/catch/memory_trees.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::free_space_tree_test {
namespace {

constexpr uint32_t kSector = 4096;

struct GroupItems {
  uint32_t extent_count = 0, flags = 0;
  uint64_t extents = 0, bitmaps = 0;
};

GroupItems read_items(Tree& tree, ByteRange group) {
  GroupItems items;
  ReadCursor cursor(tree);
  REQUIRE(must(cursor.seek({group.start, key_type::kFreeSpaceInfo, group.length()})));
  const auto info = cursor.as<DiskFreeSpaceInfo>();
  items.extent_count = info.extent_count;
  items.flags = info.flags;
  for (must(cursor.next()); cursor.valid() && cursor.key().objectid < group.end; must(cursor.next())) {
    const Key key = cursor.key();
    (key.type == key_type::kFreeSpaceExtent ? items.extents : items.bitmaps)++;
    REQUIRE(key.type != key_type::kFreeSpaceInfo);
    if (key.type == key_type::kFreeSpaceBitmap)
      REQUIRE(cursor.data().size() == (key.offset / kSector + 7) / 8);
  }
  return items;
}

// What the tree says equals `expected`, and its numbers are right.
void check_items(Tree& tree, ByteRange group, const FreeSpace& expected) {
  FreeSpace loaded(group, kSector);
  {
    ReadCursor cursor(tree);
    must(load_free_space_tree(cursor, group, kSector, loaded));
  }
  std::vector<ByteRange> want, have;
  expected.for_each_run([&](ByteRange run) { want.push_back(run); });
  loaded.for_each_run([&](ByteRange run) { have.push_back(run); });
  REQUIRE(want == have);
  const GroupItems items = read_items(tree, group);
  REQUIRE(items.extent_count == want.size());
  const FreeSpaceThresholds thresholds = FreeSpaceThresholds::of(group.length(), kSector);
  if (items.flags & free_space_flag::kUsingBitmaps) {
    REQUIRE(items.extents == 0);
    REQUIRE(items.bitmaps == round_up(group.length(), 8 << 20) / (8 << 20));
    REQUIRE(want.size() >= thresholds.low);
  } else {
    REQUIRE(items.bitmaps == 0);
    REQUIRE(items.extents == want.size());
    REQUIRE(want.size() <= thresholds.high);
  }
}

}  // namespace

TEST_CASE("thresholds between extents and bitmaps are the kernel's") {
  CHECK(FreeSpaceThresholds::of(8u << 20, kSector).high == 11);
  CHECK(FreeSpaceThresholds::of(8u << 20, kSector).low == 0);
  CHECK(FreeSpaceThresholds::of(12u << 20, kSector).high == 22);
  CHECK(FreeSpaceThresholds::of(1u << 30, kSector).high == 1438);
  CHECK(FreeSpaceThresholds::of(1u << 30, kSector).low == 1338);
}

TEST_CASE("free space items follow random changes through both forms and back") {
  for (const uint64_t length : {8ull << 20, 12ull << 20, (81ull << 20) + 65536, 1ull << 20}) {
    INFO("group length " << length);
    test::MemoryTrees trees(4096);
    Tree& tree = trees.create(objectid::kFreeSpaceTree);
    const ByteRange group = ByteRange::at(22020096, length);
    const ByteRange other = ByteRange::at(group.end, 8 << 20);
    FreeSpace model(group, kSector);
    model.set_free(group);
    {
      WriteCursor cursor(tree, trees.context());
      must(FreeSpaceTreeEdit(cursor, other, kSector).create());
      must(FreeSpaceTreeEdit(cursor, group, kSector).create());
    }
    std::mt19937_64 random(length);
    bool saw_bitmaps = false, saw_extents_again = false;
    for (int round = 0; round < 120; round++) {
      const bool mostly_remove = round % 60 < 12;
      {
        WriteCursor cursor(tree, trees.context());
        FreeSpaceTreeEdit edit(cursor, group, kSector);
        must(edit.begin());
        for (int step = 0; step < 20; step++) {
          const uint64_t units = length / kSector, first = random() % units;
          const bool remove = mostly_remove ? random() % 8 != 0 : random() % 8 == 0;
          const uint64_t most = mostly_remove ? 2 : units;
          uint64_t position = group.start + first * kSector, count = 0;
          const auto free_at = [&](uint64_t at) { return model.all_free(ByteRange::at(at, kSector)); };
          while (position < group.end && free_at(position) != remove) position += kSector;
          if (position == group.end) continue;
          while (count < most && position + count * kSector < group.end &&
                 free_at(position + count * kSector) == remove) {
            count++;
          }
          const ByteRange range = ByteRange::at(position, count * kSector);
          must(remove ? edit.remove(range) : edit.add(range));
          remove ? model.set_used(range) : model.set_free(range);
        }
        must(edit.finish());
      }
      check_items(tree, group, model);
      const bool bitmaps = read_items(tree, group).flags & free_space_flag::kUsingBitmaps;
      saw_bitmaps |= bitmaps;
      saw_extents_again |= saw_bitmaps && !bitmaps;
      if (round % 20 == 0) trees.commit();
    }
    if (length > 2 << 20) CHECK(saw_bitmaps);
    if (length > 64 << 20) CHECK(saw_extents_again);
    check_items(tree, other, [&] {
      FreeSpace all(other, kSector);
      all.set_free(other);
      return all;
    }());
    {
      WriteCursor cursor(tree, trees.context());
      must(FreeSpaceTreeEdit(cursor, group, kSector).destroy());
      REQUIRE_FALSE(must(cursor.seek({group.start, 0, 0})));
      CHECK(cursor.key().objectid == other.start);
    }
    trees.commit();
    trees.check();
  }
}

TEST_CASE("changes that contradict the free space items are damage, in both forms") {
  const ByteRange group = ByteRange::at(22020096, 8 << 20);
  struct Change {
    bool add;
    ByteRange range;
  };
  const Change contradictions[] = {{true, ByteRange::at(group.start + kSector, kSector)},
                                   {true, ByteRange::at(group.start, 2 * kSector)},
                                   {false, ByteRange::at(group.start + 2 * kSector, kSector)},
                                   {false, ByteRange::at(group.start, 2 * kSector)}};
  for (const bool bitmaps : {false, true}) {
    for (const Change& change : contradictions) {
      test::MemoryTrees trees(4096);
      Tree& tree = trees.create(objectid::kFreeSpaceTree);
      WriteCursor cursor(tree, trees.context());
      FreeSpaceTreeEdit edit(cursor, group, kSector);
      must(edit.create());
      must(edit.begin());
      for (uint64_t i = 0; i < (bitmaps ? 20 : 2); i++) {
        must(edit.remove(ByteRange::at(group.start + 2 * i * kSector, kSector)));
      }
      must(edit.finish());
      must(edit.begin());
      const Status status = change.add ? edit.add(change.range) : edit.remove(change.range);
      REQUIRE_FALSE(status);
      CHECK(status.error().code == EUCLEAN);
    }
  }
}

}  // namespace butterfuse::free_space_tree_test
