// SPDX-License-Identifier: GPL-2.0-or-later
// Keys and structs as text: the words of dump-tree.
#include <catch2/catch.hpp>
#include <cstring>

#include "core/ondisk/to_text.h"
#include "tests/core/ondisk/leaf_builder.h"

namespace butterfuse::text_test {

TEST_CASE("keys are printed as dump-tree prints them") {
  CHECK(to_text(Key{256, key_type::kInodeItem, 0}) == "(256 INODE_ITEM 0)");
  CHECK(to_text(Key{5, key_type::kRootItem, 0}) == "(FS_TREE ROOT_ITEM 0)");
  CHECK(to_text(Key{256, key_type::kChunkItem, 4096}) == "(FIRST_CHUNK_TREE CHUNK_ITEM 4096)");
  CHECK(to_text(Key{1, key_type::kDevItem, 1}) == "(DEV_ITEMS DEV_ITEM 1)");
  CHECK(to_text(Key{1, key_type::kDevExtent, 4096}) == "(1 DEV_EXTENT 4096)");
  CHECK(to_text(Key{0, key_type::kPersistentItem, 1}) == "(DEV_STATS PERSISTENT_ITEM 1)");
  CHECK(to_text(Key{objectid::kExtentCsum, key_type::kExtentCsum, 4096}) == "(EXTENT_CSUM EXTENT_CSUM 4096)");
  CHECK(to_text(Key{0, key_type::kQgroupInfo, (uint64_t{1} << 48) + 5}) == "(0 QGROUP_INFO 1/5)");
  CHECK(to_text(Key{1, key_type::kUuidSubvol, 2}) ==
        "(0x0000000000000001 UUID_KEY_SUBVOL 0x0000000000000002)");
  CHECK(to_text(Key{objectid::kFreeSpace, 0, 4096}) == "(FREE_SPACE UNTYPED 4096)");
  CHECK(to_text(Key{0, 0, 0}) == "(0 UNKNOWN.0 0)");
  CHECK(to_text(Key{1, 222, 3}) == "(ROOT_TREE UNKNOWN.222 3)");
}

TEST_CASE("a name cannot break out of its line") {
  LeafBuilder leaf;
  leaf.add({257, key_type::kInodeRef, 256}, DiskInodeRef{2, 5}, "a\nb\x1b\\");
  CHECK(item_to_text(leaf.items[0].first, leaf.items[0].second) ==
        "\t\tindex 2 namelen 5 name: a\\x0ab\\x1b\\x5c\n");
}

TEST_CASE("a superblock of any bytes can be printed") {
  for (int fill : {0x00, 0x01, 0x7f, 0xff}) {
    DiskSuper super;
    std::memset(static_cast<void*>(&super), fill, sizeof super);
    CHECK(super_to_text(super, true).size() > 1000);
  }
}

TEST_CASE("opaque items shorter than their struct are printed as such") {
  for (uint8_t type : {key_type::kQgroupStatus, key_type::kQgroupInfo, key_type::kQgroupLimit})
    CHECK(item_to_text({0, type, 0}, std::vector<std::byte>(3)) == "\t\titem of only 3 bytes\n");
}

}  // namespace butterfuse::text_test
