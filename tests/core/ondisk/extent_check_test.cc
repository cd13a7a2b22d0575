// SPDX-License-Identifier: GPL-2.0-or-later
// tree_checker on extent items and their back references.
#include <catch2/catch.hpp>

#include "tests/core/ondisk/leaf_builder.h"

namespace butterfuse::extent_check_test {
namespace {

std::vector<std::byte> data_extent(uint64_t refs, const std::vector<std::byte>& inline_refs,
                                   uint64_t flags = extent_flag::kData) {
  std::vector<std::byte> item(sizeof(DiskExtentItem));
  store(MutableByteSpan(item), DiskExtentItem{refs, 50, flags});
  item.insert(item.end(), inline_refs.begin(), inline_refs.end());
  return item;
}

std::vector<std::byte> data_ref(uint64_t root, uint64_t offset, uint32_t count) {
  std::vector<std::byte> bytes(1 + sizeof(DiskExtentDataRef));
  bytes[0] = std::byte{key_type::kExtentDataRef};
  store(MutableByteSpan(bytes).subspan(1), DiskExtentDataRef{root, 257, offset, count});
  return bytes;
}

std::vector<std::byte> short_ref(uint8_t type, uint64_t offset) {
  std::vector<std::byte> bytes(sizeof(DiskExtentInlineRef));
  store(MutableByteSpan(bytes), DiskExtentInlineRef{type, offset});
  return bytes;
}

std::vector<std::byte> operator+(std::vector<std::byte> first, const std::vector<std::byte>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

LeafBuilder extent_leaf(const Key& key, std::vector<std::byte> item) {
  LeafBuilder leaf;
  leaf.owner = objectid::kExtentTree;
  leaf.add(key, std::move(item));
  return leaf;
}

constexpr Key kDataKey{1 << 20, key_type::kExtentItem, 8192};
constexpr Key kBlockKey{1 << 20, key_type::kMetadataItem, 0};

bool full_refuses(const LeafBuilder& leaf) { return !leaf.check() && leaf.check(TreeCheckDepth::structure); }
bool both_refuse(const LeafBuilder& leaf) { return !leaf.check() && !leaf.check(TreeCheckDepth::structure); }

}  // namespace

TEST_CASE("data extents: refs, flags and key") {
  CHECK(extent_leaf(kDataKey, data_extent(1, data_ref(5, 0, 1))).check());
  CHECK(full_refuses(extent_leaf(kDataKey, data_extent(1, data_ref(5, 0, 2)))));
  CHECK(full_refuses(extent_leaf(kDataKey, data_extent(1, data_ref(5, 0, 0)))));
  CHECK(full_refuses(extent_leaf(kDataKey, data_extent(1, data_ref(0, 0, 1)))));
  CHECK(full_refuses(extent_leaf(kDataKey, data_extent(1, data_ref(5, 1, 1)))));
  CHECK(full_refuses(extent_leaf(kDataKey, data_extent(1, data_ref(5, 0, 1), 0))));
  CHECK(full_refuses(extent_leaf(kDataKey, data_extent(1, short_ref(key_type::kTreeBlockRef, 5)))));
  CHECK(full_refuses(extent_leaf({4097, key_type::kExtentItem, 8192}, data_extent(1, data_ref(5, 0, 1)))));
  CHECK(full_refuses(extent_leaf({4096, key_type::kExtentItem, 0}, data_extent(1, data_ref(5, 0, 1)))));
  CHECK(both_refuse(extent_leaf({4096, key_type::kExtentItem, ~uint64_t{4095}}, data_extent(0, {}))));
}

TEST_CASE("inline refs: known types, whole, in order") {
  auto with = [](std::vector<std::byte> refs) { return extent_leaf(kDataKey, data_extent(9, refs)); };
  CHECK(both_refuse(with(short_ref(1, 0))));
  auto cut = data_ref(5, 0, 1);
  cut.pop_back();
  CHECK(both_refuse(with(cut)));
  CHECK(both_refuse(with(data_ref(5, 0, 1) + std::vector<std::byte>(1))));
  // Falling by hash inside of a type: exactly one of the two orders is right.
  bool one = bool(with(data_ref(5, 0, 1) + data_ref(6, 0, 1)).check());
  bool other = bool(with(data_ref(6, 0, 1) + data_ref(5, 0, 1)).check());
  CHECK(one != other);
  auto shared = short_ref(key_type::kSharedDataRef, 65536) + std::vector<std::byte>{std::byte{1}, {}, {}, {}};
  CHECK(with(data_ref(5, 0, 1) + shared).check());
  CHECK(full_refuses(with(shared + data_ref(5, 0, 1))));
}

TEST_CASE("tree blocks: skinny and not") {
  auto ref = short_ref(key_type::kTreeBlockRef, 5);
  CHECK(extent_leaf(kBlockKey, data_extent(1, ref, extent_flag::kTreeBlock)).check());
  CHECK(full_refuses(extent_leaf(kBlockKey, data_extent(1, ref, extent_flag::kData))));
  CHECK(both_refuse(
      extent_leaf({1 << 20, key_type::kMetadataItem, 8}, data_extent(1, ref, extent_flag::kTreeBlock))));
  LeafBuilder not_skinny = extent_leaf(kBlockKey, data_extent(1, ref, extent_flag::kTreeBlock));
  not_skinny.context.incompat = 0;
  CHECK(full_refuses(not_skinny));

  std::vector<std::byte> info(sizeof(DiskTreeBlockInfo));
  const Key key{1 << 20, key_type::kExtentItem, 16384};
  CHECK(extent_leaf(key, data_extent(1, info + ref, extent_flag::kTreeBlock)).check());
  info.back() = std::byte{8};
  CHECK(both_refuse(extent_leaf(key, data_extent(1, info + ref, extent_flag::kTreeBlock))));
  CHECK(both_refuse(extent_leaf(key, data_extent(1, std::vector<std::byte>(17), extent_flag::kTreeBlock))));
}

TEST_CASE("extents may not overlap") {
  LeafBuilder leaf = extent_leaf(kDataKey, data_extent(1, data_ref(5, 0, 1)));
  leaf.add({(1 << 20) + 8192, key_type::kExtentItem, 4096}, data_extent(1, data_ref(5, 0, 1)));
  CHECK(leaf.check());
  leaf.items[1].first.objectid -= 4096;
  CHECK(full_refuses(leaf));
}

TEST_CASE("keyed refs have the size of their type") {
  LeafBuilder leaf = extent_leaf({1 << 20, key_type::kExtentDataRef, 77}, std::vector<std::byte>(27));
  CHECK(both_refuse(leaf));
  leaf = extent_leaf({1 << 20, key_type::kSharedDataRef, 65536}, std::vector<std::byte>(3));
  CHECK(both_refuse(leaf));
  leaf = extent_leaf({1 << 20, key_type::kTreeBlockRef, 5}, std::vector<std::byte>(1));
  CHECK(both_refuse(leaf));
  leaf = extent_leaf({1 << 20, key_type::kSharedBlockRef, 65537}, {});
  CHECK(full_refuses(leaf));
}

}  // namespace butterfuse::extent_check_test
