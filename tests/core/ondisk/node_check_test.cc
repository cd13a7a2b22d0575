// SPDX-License-Identifier: GPL-2.0-or-later
// tree_checker on nodes: what a pointer may be.
#include <catch2/catch.hpp>

#include "core/ondisk/tree_checker.h"
#include "tests/core/ondisk/leaf_builder.h"

namespace butterfuse::node_check_test {
namespace {

bool refused(const Status& status) { return !status && status.error().code == EUCLEAN; }

}  // namespace

TEST_CASE("nodes need pointers that are aligned, not zero, not too young and in key order") {
  LeafBuilder frame;
  std::vector<std::byte> block = frame.build();
  DiskHeader& header = *reinterpret_cast<DiskHeader*>(block.data());
  auto* ptrs = reinterpret_cast<DiskKeyPtr*>(block.data() + sizeof(DiskHeader));
  header.level = 1;
  header.nritems = 2;
  ptrs[0] = DiskKeyPtr{Key{256, 1, 0}, 65536, 50};
  ptrs[1] = DiskKeyPtr{Key{257, 1, 0}, 131072, 50};
  CHECK(check_tree_block(frame.context, block));
  ptrs[1].blockptr = 0;
  CHECK(refused(check_tree_block(frame.context, block)));
  ptrs[1].blockptr = 131073;
  CHECK(refused(check_tree_block(frame.context, block)));
  ptrs[1].blockptr = 131072;
  for (const uint64_t generation : {uint64_t{0}, header.generation + 1}) {  // none is younger than its parent
    ptrs[1].generation = generation;
    CHECK(refused(check_tree_block(frame.context, block)));
  }
  ptrs[1].generation = 50;
  ptrs[1].key = ptrs[0].key;
  CHECK(refused(check_tree_block(frame.context, block)));
  for (uint32_t count : {0u, 494u, 0xffffffffu}) {
    header.nritems = count;
    CHECK(refused(check_tree_block(frame.context, block)));
  }
}

}  // namespace butterfuse::node_check_test
