// SPDX-License-Identifier: GPL-2.0-or-later
// tree_checker refuses damage, one rule at a time: a good item passes, and not with one field changed.
#include "core/ondisk/tree_checker.h"

#include <catch2/catch.hpp>

#include "core/base/checksum.h"
#include "tests/core/ondisk/leaf_builder.h"

namespace butterfuse::tree_checker_test {
namespace {

constexpr Key kFileInode{257, key_type::kInodeItem, 0};

DiskInodeItem good_inode() {
  DiskInodeItem inode{};
  inode.generation = 50;
  inode.transid = 99;
  inode.nlink = 1;
  inode.mode = 0100644;
  return inode;
}

LeafBuilder with_inode() {
  LeafBuilder leaf;
  leaf.add(kFileInode, good_inode());
  return leaf;
}

DiskFileExtent good_extent() {
  DiskFileExtent extent{};
  extent.generation = 50;
  extent.type = file_extent_type::kRegular;
  extent.disk_bytenr = 1 << 20;
  extent.disk_num_bytes = 8192;
  extent.ram_bytes = 8192;
  extent.num_bytes = 8192;
  return extent;
}

bool refused(const Status& status) { return !status && status.error().code == EUCLEAN; }

// The full check refuses it; a reader that needs only structure gets it.
void check_semantic(const LeafBuilder& leaf) {
  CHECK(refused(leaf.check()));
  CHECK(leaf.check(TreeCheckDepth::structure));
}
void check_structural(const LeafBuilder& leaf) {
  CHECK(refused(leaf.check()));
  CHECK(refused(leaf.check(TreeCheckDepth::structure)));
}

template <class Change>
LeafBuilder changed_inode(Change&& change) {
  LeafBuilder leaf;
  DiskInodeItem inode = good_inode();
  change(inode);
  leaf.add(kFileInode, inode);
  return leaf;
}

template <class Change>
LeafBuilder changed_extent(Change&& change) {
  LeafBuilder leaf = with_inode();
  DiskFileExtent extent = good_extent();
  change(extent);
  leaf.add({257, key_type::kExtentData, 0}, extent);
  return leaf;
}

LeafBuilder with_dir_entry(const std::string& name, uint64_t offset, uint8_t type = file_type::kRegular,
                           uint16_t data_len = 0) {
  LeafBuilder leaf = with_inode();
  DiskDirItem entry{};
  entry.location = Key{258, key_type::kInodeItem, 0};
  entry.name_len = static_cast<uint16_t>(name.size());
  entry.data_len = data_len;
  entry.type = type;
  leaf.add({257, key_type::kDirItem, offset}, entry, name);
  return leaf;
}

}  // namespace

TEST_CASE("leaf shape: items must be packed from the end without holes or overlap") {
  LeafBuilder leaf = with_inode();
  leaf.add({257, key_type::kOrphanItem, 1}, std::vector<std::byte>(10));
  CHECK(leaf.check());
  auto good = leaf.build();
  auto item_at = [](std::vector<std::byte>& block, size_t slot) -> DiskItem& {
    return reinterpret_cast<DiskItem*>(block.data() + sizeof(DiskHeader))[slot];
  };
  auto check_changed = [&](auto&& change) {
    auto block = good;
    change(block);
    TreeCheckContext context = leaf.context;
    context.depth = TreeCheckDepth::structure;
    CHECK(refused(check_tree_block(context, block)));
  };
  check_changed([&](auto& block) { item_at(block, 1).offset = item_at(block, 1).offset - 1; });
  check_changed([&](auto& block) { item_at(block, 1).size = 11; });
  check_changed([&](auto& block) { item_at(block, 0).offset = 0xffffffff; });
  check_changed([&](auto& block) { item_at(block, 1).key = kFileInode; });
  check_changed([&](auto& block) { reinterpret_cast<DiskHeader*>(block.data())->nritems = 700; });
  check_changed([&](auto& block) { reinterpret_cast<DiskHeader*>(block.data())->nritems = 0xffffffff; });
  check_changed([&](auto& block) { reinterpret_cast<DiskHeader*>(block.data())->level = 8; });
  check_changed([&](auto& block) { reinterpret_cast<DiskHeader*>(block.data())->generation = 101; });
  check_changed([&](auto& block) { block.resize(4096); });
}

TEST_CASE("item data may not reach into the item headers") {
  LeafBuilder leaf;
  leaf.add({1, 0, 0}, std::vector<std::byte>(16384 - sizeof(DiskHeader) - sizeof(DiskItem)));
  CHECK(leaf.check());
  auto block = leaf.build();
  reinterpret_cast<DiskHeader*>(block.data())->nritems = 2;
  reinterpret_cast<DiskItem*>(block.data() + sizeof(DiskHeader))[1] = DiskItem{Key{2, 0, 0}, 25, 0};
  CHECK(refused(check_tree_block(leaf.context, block)));
}

TEST_CASE("an empty leaf is accepted only of trees that can be empty") {
  LeafBuilder leaf;
  leaf.owner = objectid::kCsumTree;
  CHECK(leaf.check());
  leaf.owner = objectid::kTreeLog;
  CHECK(leaf.check());
  for (uint64_t owner : {uint64_t{0}, objectid::kRootTree, objectid::kExtentTree, objectid::kFsTree}) {
    leaf.owner = owner;
    CHECK(refused(leaf.check()));
  }
}

TEST_CASE("items of unknown types pass untouched") {
  LeafBuilder leaf;
  leaf.add({1, 199 + 30, 0}, std::vector<std::byte>(3)).add({1, 254, 0}, std::vector<std::byte>(0));
  CHECK(leaf.check());
}

TEST_CASE("inode items: size, generation, mode, links and flags") {
  CHECK(with_inode().check());
  LeafBuilder shorter;
  shorter.add(kFileInode, std::vector<std::byte>(159));
  check_structural(shorter);
  check_semantic(changed_inode([](DiskInodeItem& inode) { inode.generation = 102; }));
  check_semantic(changed_inode([](DiskInodeItem& inode) { inode.transid = 102; }));
  check_semantic(changed_inode([](DiskInodeItem& inode) { inode.mode = 0644; }));
  check_semantic(changed_inode([](DiskInodeItem& inode) { inode.mode = 0170000; }));
  check_semantic(changed_inode([](DiskInodeItem& inode) { inode.mode = 0040755, inode.nlink = 2; }));
  check_semantic(changed_inode([](DiskInodeItem& inode) { inode.flags = 1u << 20; }));
  CHECK(changed_inode([](DiskInodeItem& inode) { inode.generation = 101; }).check());
  LeafBuilder wrong_key;
  wrong_key.add({100, key_type::kInodeItem, 0}, good_inode());
  check_semantic(wrong_key);
}

TEST_CASE("inode refs: names fill the item") {
  auto with_ref = [](uint16_t name_len, const std::string& name) {
    LeafBuilder leaf = with_inode();
    leaf.add({257, key_type::kInodeRef, 256}, DiskInodeRef{2, name_len}, name);
    return leaf;
  };
  CHECK(with_ref(4, "name").check());
  check_structural(with_ref(5, "name"));
  check_structural(with_ref(3, "name"));
  check_structural(with_ref(0, ""));
  check_structural(with_ref(256, std::string(256, 'x')));
  LeafBuilder empty = with_inode();
  empty.add({257, key_type::kInodeRef, 256}, std::vector<std::byte>());
  check_structural(empty);
  LeafBuilder alone;
  alone.add(kFileInode, good_inode()).add({258, key_type::kInodeRef, 256}, DiskInodeRef{2, 1}, "x");
  check_semantic(alone);
  alone.owner = objectid::kTreeLog;  // log trees do that
  CHECK(alone.check());
}

TEST_CASE("inode extrefs: names fill the item and hash to the key") {
  LeafBuilder leaf = with_inode();
  leaf.add({257, key_type::kInodeExtref, extref_hash(300, "name")}, DiskInodeExtref{300, 9, 4}, "name");
  CHECK(leaf.check());
  leaf.items[1].first.offset ^= 1;
  check_semantic(leaf);
  leaf.items[1].second.pop_back();
  check_structural(leaf);
}

TEST_CASE("dir items: lengths, types and the hash of the name") {
  const uint64_t hash = name_hash("name");
  CHECK(with_dir_entry("name", hash).check());
  check_semantic(with_dir_entry("name", hash + 1));
  check_semantic(with_dir_entry("name", hash, file_type::kXattr));
  check_semantic(with_dir_entry("name", hash, 0));
  check_semantic(with_dir_entry("name", hash, 9));
  check_structural(with_dir_entry("name", hash, file_type::kRegular, 1));
  check_structural(with_dir_entry("", hash));
  check_structural(with_dir_entry(std::string(256, 'x'), hash));
}

TEST_CASE("xattrs: several that hash alike share an item, and values stay inside") {
  DiskDirItem entry{};
  entry.type = file_type::kXattr;
  entry.name_len = 6;
  entry.data_len = 5;
  LeafBuilder leaf = with_inode();
  leaf.add({257, key_type::kXattrItem, name_hash("user.a")}, entry, "user.avalue");
  CHECK(leaf.check());
  auto one = leaf.items[1].second;
  leaf.items[1].second.insert(leaf.items[1].second.end(), one.begin(), one.end());
  CHECK(leaf.check());
  leaf.items[1].second.resize(one.size() + 29);
  check_structural(leaf);
  leaf.items[1].second = one;
  leaf.items[1].second.pop_back();
  check_structural(leaf);
}

TEST_CASE("file extents: alignment, windows and overflow") {
  CHECK(changed_extent([](DiskFileExtent&) {}).check());
  check_semantic(changed_extent([](DiskFileExtent& extent) { extent.disk_bytenr = 4097; }));
  check_semantic(changed_extent([](DiskFileExtent& extent) { extent.num_bytes = 0; }));
  check_semantic(changed_extent([](DiskFileExtent& extent) { extent.offset = 4096; }));
  check_semantic(changed_extent([](DiskFileExtent& extent) { extent.offset = uint64_t(-4096); }));
  check_semantic(changed_extent([](DiskFileExtent& extent) { extent.encryption = 1; }));
  check_semantic(changed_extent([](DiskFileExtent& extent) {
    extent.compression = compression_type::kZstd;
    extent.ram_bytes = 1 << 30;
  }));
  check_structural(changed_extent([](DiskFileExtent& extent) { extent.type = 3; }));
  check_structural(changed_extent([](DiskFileExtent& extent) { extent.compression = 4; }));
  CHECK(changed_extent([](DiskFileExtent& extent) {
          extent.disk_bytenr = 0, extent.disk_num_bytes = 0;
        }).check());
  LeafBuilder late = changed_extent([](DiskFileExtent&) {});
  late.items[1].first.offset = uint64_t(-4096);
  check_structural(late);
  LeafBuilder shorter = changed_extent([](DiskFileExtent&) {});
  shorter.items[1].second.resize(52);
  check_structural(shorter);
  shorter.items[1].second.resize(20);
  check_structural(shorter);
  LeafBuilder overlap = changed_extent([](DiskFileExtent&) {});
  overlap.add({257, key_type::kExtentData, 4096}, good_extent());
  check_semantic(overlap);
}

TEST_CASE("inline extents: uncompressed data has the length it names, at file offset 0") {
  auto with_inline = [](uint64_t ram_bytes, uint8_t compression, const std::string& data,
                        uint64_t offset = 0) {
    LeafBuilder leaf = with_inode();
    DiskFileExtentInline extent{50, ram_bytes, compression, 0, 0, file_extent_type::kInline};
    leaf.add({257, key_type::kExtentData, offset}, extent, data);
    return leaf;
  };
  CHECK(with_inline(5, 0, "hello").check());
  CHECK(with_inline(500, compression_type::kZlib, "hello").check());
  check_structural(with_inline(6, 0, "hello"));
  check_structural(with_inline(5, 0, "hello", 4096));
  check_structural(with_inline(uint64_t{1} << 40, compression_type::kZlib, "hello"));
}

TEST_CASE("checksum items: whole checksums, aligned, apart") {
  auto with_csums = [](size_t bytes, uint64_t offset) {
    LeafBuilder leaf;
    leaf.owner = objectid::kCsumTree;
    leaf.add({objectid::kExtentCsum, key_type::kExtentCsum, 65536}, std::vector<std::byte>(16));
    leaf.add({objectid::kExtentCsum, key_type::kExtentCsum, offset}, std::vector<std::byte>(bytes));
    return leaf;
  };
  CHECK(with_csums(8, 65536 + 16384).check());
  check_structural(with_csums(7, 131072));
  check_semantic(with_csums(8, 131073));
  check_semantic(with_csums(8, 65536 + 12288));
}

TEST_CASE("root items: both sizes, levels, generation, flags") {
  auto with_root = [](auto&& change, size_t size = sizeof(DiskRootItem)) {
    LeafBuilder leaf;
    leaf.owner = objectid::kRootTree;
    DiskRootItem root{};
    root.generation = 50;
    root.bytenr = 65536;
    root.refs = 1;
    change(root);
    leaf.add({256, key_type::kRootItem, 0}, root);
    leaf.items[0].second.resize(size);
    return leaf;
  };
  auto same = [](DiskRootItem&) {};
  CHECK(with_root(same).check());
  CHECK(with_root(same, kRootItemV0Bytes).check());
  check_structural(with_root(same, 438));
  check_structural(with_root(same, 0));
  check_structural(with_root([](DiskRootItem& root) { root.level = 8; }));
  check_structural(with_root([](DiskRootItem& root) { root.drop_level = 8; }));
  check_structural(with_root([](DiskRootItem& root) { root.drop_progress = Key{300, 1, 0}; }));
  check_semantic(with_root([](DiskRootItem& root) { root.generation = 102; }));
  check_semantic(with_root([](DiskRootItem& root) { root.bytenr = 65537; }));
  check_semantic(with_root([](DiskRootItem& root) { root.flags = 2; }));
}

TEST_CASE("root refs: the name fills the item") {
  LeafBuilder leaf;
  leaf.owner = objectid::kRootTree;
  leaf.add({5, key_type::kRootRef, 256}, DiskRootRef{256, 2, 4}, "name");
  CHECK(leaf.check());
  leaf.items[0].second.pop_back();
  check_structural(leaf);
  leaf.items[0].second.resize(17);
  check_structural(leaf);
}

TEST_CASE("chunk items: stripes fill the item, and geometry and profile are possible") {
  auto with_chunk = [](auto&& change, uint16_t stripes = 1) {
    LeafBuilder leaf;
    leaf.owner = objectid::kChunkTree;
    DiskChunk chunk{};
    chunk.length = 8 << 20;
    chunk.owner = 2;
    chunk.stripe_len = kStripeLen;
    chunk.type = bg::kData;
    chunk.sector_size = 4096;
    chunk.num_stripes = stripes;
    change(chunk);
    std::string behind(stripes * sizeof(DiskStripe), '\0');
    leaf.add({objectid::kFirstChunkTree, key_type::kChunkItem, 1 << 20}, chunk, behind);
    return leaf;
  };
  auto same = [](DiskChunk&) {};
  CHECK(with_chunk(same).check());
  CHECK(with_chunk([](DiskChunk& chunk) { chunk.type = bg::kMetadata | bg::kDup; }, 2).check());
  check_structural(with_chunk([](DiskChunk& chunk) { chunk.num_stripes = 2; }));
  check_structural(with_chunk([](DiskChunk& chunk) { chunk.num_stripes = 0; }));
  check_structural(with_chunk([](DiskChunk& chunk) { chunk.length = 0; }));
  check_structural(with_chunk([](DiskChunk& chunk) { chunk.length = uint64_t(-4096); }));
  check_semantic(with_chunk([](DiskChunk& chunk) { chunk.length = 4097; }));
  check_semantic(with_chunk([](DiskChunk& chunk) { chunk.stripe_len = 4096; }));
  check_semantic(with_chunk([](DiskChunk& chunk) { chunk.sector_size = 8192; }));
  check_semantic(with_chunk([](DiskChunk& chunk) { chunk.type = bg::kData | bg::kDup; }));
  check_semantic(with_chunk([](DiskChunk& chunk) { chunk.type = bg::kData | bg::kDup | bg::kRaid1; }, 2));
  check_semantic(with_chunk([](DiskChunk& chunk) { chunk.type = bg::kData | bg::kMetadata; }));
  check_semantic(with_chunk([](DiskChunk& chunk) { chunk.type = 0; }));
  check_semantic(with_chunk([](DiskChunk& chunk) { chunk.type = bg::kData | (1 << 20); }));
}

TEST_CASE("device items and extents, block groups") {
  LeafBuilder leaf;
  leaf.owner = objectid::kChunkTree;
  DiskDevItem device{};
  device.devid = 1;
  device.total_bytes = 1 << 30;
  leaf.add({objectid::kDevItems, key_type::kDevItem, 1}, device);
  CHECK(leaf.check());
  leaf.items[0].first.offset = 2;
  check_semantic(leaf);
  leaf.items[0].second.resize(97);
  check_structural(leaf);

  LeafBuilder extents;
  extents.owner = objectid::kDevTree;
  DiskDevExtent extent{objectid::kChunkTree, objectid::kFirstChunkTree, 1 << 20, 1 << 20, {}};
  extents.add({1, key_type::kDevExtent, 1 << 20}, extent).add({1, key_type::kDevExtent, 2 << 20}, extent);
  CHECK(extents.check());
  extents.items[1].first.offset = (2 << 20) - 4096;
  check_semantic(extents);

  LeafBuilder groups;
  groups.owner = objectid::kExtentTree;
  groups.add({1 << 20, key_type::kBlockGroupItem, 1 << 20}, DiskBlockGroupItem{4096, 256, bg::kData});
  CHECK(groups.check());
  groups.items[0].second.clear();
  check_structural(groups);
  groups.items.clear();
  groups.add({1 << 20, key_type::kBlockGroupItem, 1 << 20}, DiskBlockGroupItem{2 << 20, 256, bg::kData});
  check_semantic(groups);
  groups.items[0].first.offset = 0;
  check_structural(groups);
}

TEST_CASE("free space items: bitmaps have a bit for each sector of their range") {
  LeafBuilder leaf;
  leaf.owner = objectid::kFreeSpaceTree;
  const Key bitmap{1 << 20, key_type::kFreeSpaceBitmap, 8 << 20};
  leaf.add(bitmap, std::vector<std::byte>(256));
  CHECK(leaf.check());
  leaf.items[0].second.resize(255);
  check_structural(leaf);
  leaf.items = {{Key{1 << 20, key_type::kFreeSpaceBitmap, uint64_t{1} << 40}, std::vector<std::byte>(8000)}};
  check_structural(leaf);
  leaf.items = {{Key{1 << 20, key_type::kFreeSpaceExtent, 4096}, {}}};
  CHECK(leaf.check());
  leaf.items[0].first.offset = ~uint64_t{0};
  check_structural(leaf);
  leaf.items = {{Key{1 << 20, key_type::kFreeSpaceInfo, 4096}, std::vector<std::byte>(7)}};
  check_structural(leaf);
}

}  // namespace butterfuse::tree_checker_test
