// SPDX-License-Identifier: GPL-2.0-or-later
// Back references: what is stored is read back, and bytes that are none are not taken for one.
#include "core/ondisk/backrefs.h"

#include "tests/core/ondisk/walk_checks.h"

namespace butterfuse::backrefs_test {
namespace {

Bytes inline_bytes_of(const CountedRef& counted) {
  Bytes bytes(counted.ref.inline_bytes());
  store_inline_ref(bytes, counted);
  return bytes;
}

const std::vector<CountedRef> kRefs = {
    {{.type = key_type::kExtentOwnerRef, .root = 5}, 0},
    {{.type = key_type::kTreeBlockRef, .root = 256}},
    {{.type = key_type::kExtentDataRef, .root = 5, .objectid = 257, .offset = 4096}, 3},
    {{.type = key_type::kSharedBlockRef, .parent = 1 << 20}},
    {{.type = key_type::kSharedDataRef, .parent = 2 << 20}, 9},
};

}  // namespace

TEST_CASE("inline references: what is stored is read back, of each type, and an unknown type is told") {
  Bytes item;
  std::vector<size_t> sizes;
  for (const CountedRef& counted : kRefs) {
    item = item + inline_bytes_of(counted);
    sizes.push_back(counted.ref.inline_bytes());
  }
  InlineRefs refs(item);
  for (const CountedRef& counted : kRefs) {
    REQUIRE(refs.next());
    CHECK(refs.entry().ref == counted.ref);
    CHECK(refs.entry().count == counted.count);
  }
  CHECK_FALSE(refs.next());
  CHECK_FALSE(refs.stuck());
  check_cuts(item, sizes, [](ByteSpan bytes) { return InlineRefs(bytes); });
  check_any_bytes([](ByteSpan bytes) { return InlineRefs(bytes); },
                  [](const InlineRef&) { return std::vector<ByteSpan>(); });

  const Bytes unknown = inline_bytes_of(kRefs[1]) + Bytes(40, std::byte{99});
  InlineRefs some(unknown);
  CHECK(some.next());
  CHECK_FALSE(some.next());
  CHECK(some.stuck());
  CHECK(some.unknown_kind());
  CHECK(some.entry().ref.type == 99);
  CHECK(some.finish("reference").error().code == EUCLEAN);
}

TEST_CASE("keyed references: what is stored is read back, unless it is cut short") {
  for (const CountedRef& counted : kRefs) {
    if (counted.ref.type == key_type::kExtentOwnerRef) continue;
    const Key key{1 << 20, counted.ref.type, counted.ref.sequence()};
    Bytes item(counted.ref.keyed_bytes());
    store_keyed_ref(item, counted);
    const auto read = keyed_ref(key, item);
    REQUIRE(read);
    CHECK(read->ref == counted.ref);
    CHECK(read->count == counted.count);
    for (size_t cut = 0; cut < item.size(); ++cut)
      CHECK_FALSE(keyed_ref(key, Exact(ByteSpan(item).first(cut))));
  }
  CHECK_FALSE(keyed_ref({1 << 20, key_type::kExtentOwnerRef, 5}, {}));
  CHECK_FALSE(keyed_ref({1 << 20, key_type::kExtentItem, 4096}, Bytes(100)));
}

TEST_CASE("an extent item comes apart into its fixed part, tree block info and inline references") {
  const Key data_key{1 << 20, key_type::kExtentItem, 8192}, block_key{1 << 20, key_type::kExtentItem, 16384},
      skinny_key{1 << 20, key_type::kMetadataItem, 1};
  const Bytes ref = inline_bytes_of(kRefs[1]);
  const Bytes data = packed(DiskExtentItem{1, 50, extent_flag::kData}) + ref;
  const Bytes fixed = packed(DiskExtentItem{1, 50, extent_flag::kTreeBlock});
  const Bytes block = fixed + packed(DiskTreeBlockInfo{Key{257, 1, 0}, 2}) + ref;
  auto parts = extent_item_parts(data_key, data);
  REQUIRE(parts);
  CHECK(parts->fixed.generation == 50);
  CHECK_FALSE(parts->block_info);
  CHECK(parts->inline_refs.size() == ref.size());
  parts = extent_item_parts(skinny_key, fixed + ref);
  REQUIRE(parts);
  CHECK_FALSE(parts->block_info);
  CHECK(parts->inline_refs.size() == ref.size());
  parts = extent_item_parts(block_key, block);
  REQUIRE((parts && parts->block_info));
  CHECK(parts->block_info->level == 2);
  CHECK(parts->inline_refs.size() == ref.size());
  const size_t head = sizeof(DiskExtentItem) + sizeof(DiskTreeBlockInfo);
  for (size_t cut = 0; cut < head; ++cut) {
    CHECK_FALSE(extent_item_parts(block_key, Exact(ByteSpan(block).first(cut))));
    CHECK(extent_item_parts(data_key, Exact(ByteSpan(data).first(std::min(cut, data.size())))).has_value() ==
          (cut >= sizeof(DiskExtentItem)));
  }
}

}  // namespace butterfuse::backrefs_test
