// SPDX-License-Identifier: GPL-2.0-or-later
// The csum tree against a map from sectors to checksums.
#include "core/csum/csum_tree.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/support/catch/memory_trees.h"

namespace butterfuse::test::csum_tree_test {
namespace {

void step(ReadCursor& cursor) { REQUIRE(cursor.next()); }

constexpr uint32_t kSector = 4096;

class CsumModel {
 public:
  CsumModel(MemoryTrees& trees, uint32_t csum_size, uint64_t seed)
      : trees_(trees), csum_size_(csum_size), random_(seed) {
    trees_.create(objectid::kCsumTree);
  }
  Tree& tree() { return trees_.tree(objectid::kCsumTree); }
  uint64_t pick(uint64_t end) { return random_() % end; }

  void insert(uint64_t sector, uint64_t count) {
    CsumBytes csums(count * csum_size_);
    for (std::byte& byte : csums) byte = static_cast<std::byte>(random_());
    REQUIRE(insert_csums(tree(), trees_.context(), sector * kSector, csums, kSector, csum_size_));
    for (uint64_t i = 0; i < count; ++i) {
      auto from = csums.begin() + static_cast<ptrdiff_t>(i * csum_size_);
      sectors_[sector + i] = CsumBytes(from, from + csum_size_);
    }
  }

  void remove(uint64_t sector, uint64_t count) {
    ByteRange range = ByteRange::at(sector * kSector, count * kSector);
    REQUIRE(delete_csums(tree(), trees_.context(), range, kSector, csum_size_));
    sectors_.erase(sectors_.lower_bound(sector), sectors_.lower_bound(sector + count));
  }

  void check(uint64_t sector, uint64_t count) {
    auto found = lookup_csums(tree(), ByteRange::at(sector * kSector, count * kSector), kSector, csum_size_);
    REQUIRE(found);
    REQUIRE(found->csums.size() == count * csum_size_);
    REQUIRE(found->present.size() == count);
    bool matches = true;
    for (uint64_t i = 0; i < count; ++i) {
      auto want = sectors_.find(sector + i);
      ByteSpan have = ByteSpan(found->csums).subspan(i * csum_size_, csum_size_);
      bool present = want != sectors_.end();
      CsumBytes value = present ? want->second : CsumBytes(csum_size_);
      matches = matches && found->present[i] == present && std::ranges::equal(have, value);
    }
    REQUIRE(matches);
  }

  // Items must not overlap, and cover exactly the sectors of the model.
  void check_items() {
    ReadCursor cursor(tree());
    REQUIRE(cursor.seek(Key{}));
    uint64_t end = 0;
    uint64_t sectors = 0;
    for (; cursor.valid(); step(cursor)) {
      REQUIRE(cursor.key().offset >= end);
      REQUIRE(cursor.data().size() % csum_size_ == 0);
      REQUIRE(!cursor.data().empty());
      sectors += cursor.data().size() / csum_size_;
      end = cursor.key().offset + cursor.data().size() / csum_size_ * kSector;
    }
    REQUIRE(sectors == sectors_.size());
  }

 private:
  MemoryTrees& trees_;
  const uint32_t csum_size_;
  std::mt19937_64 random_;
  std::map<uint64_t, CsumBytes> sectors_;
};

void run(uint32_t nodesize, uint32_t csum_size, uint64_t seed) {
  INFO("nodesize " << nodesize << " csum_size " << csum_size << " seed " << seed);
  MemoryTrees trees(nodesize);
  CsumModel model(trees, csum_size, seed);
  constexpr uint64_t kSectors = 20000;
  for (int step = 0; step < 600; ++step) {
    uint64_t count = 1 + model.pick(model.pick(8) == 0 ? 3000 : 60);
    uint64_t sector = model.pick(kSectors);
    switch (model.pick(5)) {
      case 0:
      case 1:
        model.insert(sector, count);
        break;
      case 2:
      case 3:
        model.remove(sector, count);
        break;
      default:
        model.check(sector, count);
    }
    if (model.pick(50) == 0) trees.commit();
    if (model.pick(100) == 0) trees.reopen();
    if (step % 50 == 0) model.check_items();
  }
  model.check(0, kSectors + 4000);
  model.check_items();
  trees.check();
}

}  // namespace

TEST_CASE("random insertions and deletions of checksums match a map") {
  for (uint32_t csum_size : {4u, 8u, 32u}) {
    run(4096, csum_size, 1);
    run(16384, csum_size, 2);
  }
}

TEST_CASE("the checksums of a file written in order fill one item a leaf") {
  MemoryTrees trees(16384);
  CsumModel model(trees, 4, 1);
  for (uint64_t i = 0; i < 256; ++i) model.insert(1000 + i * 256, 256);  // 256 MiB by 1 MiB
  model.check(900, 66000);
  model.check_items();
  ReadCursor cursor(model.tree());
  REQUIRE(cursor.seek(Key{}));
  uint64_t items = 0;
  for (; cursor.valid(); step(cursor)) ++items;
  REQUIRE(items <= 256 * 256 / 4000 + 1);  // a leaf holds some 4,000 checksums of 4 bytes
  trees.check();
}

TEST_CASE("checksums of parts of sectors are refused") {
  MemoryTrees trees(4096);
  Tree& tree = trees.create(objectid::kCsumTree);
  REQUIRE(!lookup_csums(tree, {100, 8192}, kSector, 4));
  REQUIRE(!delete_csums(tree, trees.context(), {4096, 5000}, kSector, 4));
  REQUIRE(!insert_csums(tree, trees.context(), 4096, CsumBytes(7), kSector, 4));
  REQUIRE(lookup_csums(tree, {4096, 4096}, kSector, 4)->csums.empty());
}

}  // namespace butterfuse::test::csum_tree_test
