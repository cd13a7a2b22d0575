// SPDX-License-Identifier: GPL-2.0-or-later
// The walkers of packed items: whatever the bytes are, only whole entries come out, and nothing else is read.
#include "core/ondisk/packed_walk.h"

#include "core/ondisk/chunk_view.h"
#include "core/ondisk/csum_geometry.h"
#include "core/ondisk/named_entries.h"
#include "tests/core/ondisk/walk_checks.h"

namespace butterfuse::packed_walk_test {
namespace {

DiskDirItem dir_head(uint16_t name_len, uint16_t data_len) {
  DiskDirItem head{};
  head.transid = 7, head.name_len = name_len, head.data_len = data_len;
  return head;
}

Bytes chunk_bytes(uint16_t stripes) {
  DiskChunk head{};
  head.length = 8 << 20, head.type = bg::kSystem, head.num_stripes = stripes;
  Bytes bytes = packed(head);
  for (uint16_t i = 0; i < stripes; ++i) bytes = bytes + packed(DiskStripe{i + 1u, i * 65536u, {}});
  return bytes;
}
Bytes sys_chunk_bytes(uint64_t start, uint16_t stripes) {
  return packed(DiskKey(Key{objectid::kFirstChunkTree, key_type::kChunkItem, start})) + chunk_bytes(stripes);
}

}  // namespace

TEST_CASE("directory entries: name and value of each, and no more than are whole") {
  const Bytes item = packed(dir_head(3, 0), "abc") + packed(dir_head(1, 4), "xDATA") + packed(dir_head(0, 0));
  NameEntries entries(item);
  REQUIRE(entries.next());
  CHECK(entries.entry().name == "abc");
  CHECK(entries.entry().value.empty());
  REQUIRE(entries.next());
  CHECK(entries.entry().name == "x");
  CHECK(as_text(entries.entry().value) == "DATA");
  CHECK(entries.entry().head.transid == 7);
  REQUIRE(entries.next());
  CHECK(entries.entry().name.empty());
  CHECK_FALSE(entries.next());
  CHECK(entries.finish("entry"));
  check_cuts(item, {33, 35, 30}, [](ByteSpan bytes) { return NameEntries(bytes); });
  check_any_bytes([](ByteSpan bytes) { return NameEntries(bytes); },
                  [](const NameEntry& entry) {
                    return std::vector{as_bytes(entry.name), entry.value};
                  });
}

TEST_CASE("a name is found in a bucket, or not, or the bucket is cut short") {
  const Bytes item = packed(dir_head(3, 0), "abc") + packed(dir_head(2, 0), "de");
  const auto found = find_name_entry(item, "de");
  REQUIRE((found && *found));
  CHECK((*found)->offset == 33);
  CHECK((*found)->size == 32);
  const auto absent = find_name_entry(item, "d");
  REQUIRE(absent);
  CHECK_FALSE(*absent);
  const ByteSpan cut = ByteSpan(item).first(item.size() - 1);
  CHECK(*find_name_entry(cut, "abc"));
  CHECK(find_name_entry(cut, "de").error().code == EUCLEAN);
  CHECK(first_name_entry(cut)->name == "abc");
  CHECK(first_name_entry(ByteSpan(item).first(32)).error().code == EUCLEAN);
  CHECK(first_name_entry({}).error().code == EUCLEAN);
}

TEST_CASE("inode references: the parent is in the key, or in each entry of an extref") {
  const Key ref_key{257, key_type::kInodeRef, 256}, extref_key{257, key_type::kInodeExtref, 12345};
  const Bytes refs = packed(DiskInodeRef{2, 3}, "abc") + packed(DiskInodeRef{9, 1}, "x");
  InodeRefEntries entries(ref_key, refs);
  REQUIRE(entries.next());
  REQUIRE(entries.next());
  CHECK(entries.entry().parent_ino == 256);
  CHECK(entries.entry().index == 9);
  CHECK(entries.entry().name == "x");
  const Bytes extrefs = packed(DiskInodeExtref{256, 2, 3}, "abc") + packed(DiskInodeExtref{300, 9, 1}, "x");
  InodeRefEntries more(extref_key, extrefs);
  REQUIRE(more.next());
  CHECK(more.entry().parent_ino == 256);
  REQUIRE(more.next());
  CHECK(more.entry().parent_ino == 300);
  CHECK(more.entry().index == 9);
  check_cuts(refs, {13, 11}, [&](ByteSpan bytes) { return InodeRefEntries(ref_key, bytes); });
  check_cuts(extrefs, {21, 19}, [&](ByteSpan bytes) { return InodeRefEntries(extref_key, bytes); });
  const auto names = [](const InodeRefEntry& entry) { return std::vector{as_bytes(entry.name)}; };
  check_any_bytes([&](ByteSpan bytes) { return InodeRefEntries(ref_key, bytes); }, names);
  check_any_bytes([&](ByteSpan bytes) { return InodeRefEntries(extref_key, bytes); }, names);
}

TEST_CASE("a root reference is as long as its name says, or none") {
  const Bytes item = packed(DiskRootRef{256, 2, 4}, "name");
  const auto ref = root_ref_entry(item);
  REQUIRE(ref);
  CHECK(ref->dir_ino == 256);
  CHECK(ref->index == 2);
  CHECK(ref->name == "name");
  for (size_t cut = 0; cut < item.size(); ++cut)
    CHECK_FALSE(root_ref_entry(Exact(ByteSpan(item).first(cut))));
  CHECK_FALSE(root_ref_entry(item + Bytes(1)));
}

TEST_CASE("a chunk item is as long as its stripes say, or none") {
  const Bytes item = chunk_bytes(3);
  const auto chunk = chunk_view(item);
  REQUIRE(chunk);
  REQUIRE(chunk->stripes.size() == 3);
  CHECK(chunk->stripes[2].devid == 3);
  CHECK(chunk->stripes[2].offset == 2 * 65536);
  for (size_t cut = 0; cut < item.size(); ++cut) CHECK_FALSE(chunk_view(Exact(ByteSpan(item).first(cut))));
  CHECK_FALSE(chunk_view(item + Bytes(1)));
  CHECK_FALSE(chunk_view(item + Bytes(sizeof(DiskStripe))));
  CHECK(chunk_view(chunk_bytes(0))->stripes.empty());
}

TEST_CASE("sys_chunk_array: whole chunks, under keys of chunks, as far as the array is in use") {
  const Bytes array = sys_chunk_bytes(1 << 20, 1) + sys_chunk_bytes(16 << 20, 2);
  SysChunks chunks(array);
  REQUIRE(chunks.next());
  CHECK(chunks.entry().key.offset == 1 << 20);
  REQUIRE(chunks.next());
  CHECK(chunks.entry().key.offset == 16 << 20);
  CHECK(chunk_view(chunks.entry().item)->stripes.size() == 2);
  CHECK_FALSE(chunks.next());
  check_cuts(array, {97, 129}, [](ByteSpan bytes) { return SysChunks(bytes); });
  check_any_bytes([](ByteSpan bytes) { return SysChunks(bytes); },
                  [](const SysChunk& chunk) { return std::vector{chunk.item}; });

  const Bytes other_key = array + Bytes(200, std::byte{1});
  SysChunks some(other_key);
  CHECK(some.next());
  CHECK(some.next());
  CHECK_FALSE(some.next());
  CHECK(some.unknown_kind());

  DiskSuper super{};
  std::ranges::copy(array, reinterpret_cast<std::byte*>(super.sys_chunk_array));
  super.sys_chunk_array_size = static_cast<uint32_t>(array.size());
  CHECK(used_sys_chunk_array(super).size() == array.size());
  super.sys_chunk_array_size = ~uint32_t{0};
  CHECK(used_sys_chunk_array(super).size() == kSysChunkArrayBytes);
}

TEST_CASE("checksums stand for sectors one by one; what is no whole one for none") {
  const CsumGeometry geometry{4096, 8};
  const Bytes item(3 * 8, std::byte{7});
  CHECK(geometry.count(item) == 3);
  CHECK(geometry.sectors(65536, item) == ByteRange::at(65536, 3 * 4096));
  CHECK(geometry.at(item, 2).data() == item.data() + 16);
  CHECK(geometry.csum_bytes(2 * 4096) == 16);
  CHECK(geometry.data_bytes(16) == 2 * 4096);
  CHECK(geometry.count(ByteSpan(item).first(23)) == 2);
  CHECK(geometry.sectors(65536, ByteSpan(item).first(7)).empty());
}

}  // namespace butterfuse::packed_walk_test
