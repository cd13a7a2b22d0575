// SPDX-License-Identifier: GPL-2.0-or-later
// Inode items, orphans and xattrs over a real tree.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "core/base/checksum.h"
#include "core/items/xattr_item.h"
#include "tests/core/items/item_files.h"
#include "tests/support/btrfs_check.h"

namespace butterfuse::attributes_test {
namespace {

constexpr uint64_t kIno = 300;

std::vector<std::byte> random_value(std::mt19937& random, size_t length) {
  std::vector<std::byte> value(length);
  for (std::byte& byte : value) byte = static_cast<std::byte>(random());
  return value;
}

}  // namespace

TEST_CASE("an inode item comes back as it was written") {
  InodeItem item = new_inode(77, S_IFCHR | 04751, 3);
  item.size = 1ull << 40;
  item.nbytes = 12345;
  item.uid = 0xfffffffe;
  item.gid = 4242;
  item.rdev = (8u << 20) | 17;
  item.flags = inode_flag::kNoCompress | inode_flag::kNoDataSum;
  item.sequence = 99;
  item.mtime = {-31536000, 528707387};
  const InodeItem again = InodeItem::decode(item.encode());
  CHECK(object_bytes(again.encode()).size() == 160);
  const auto before = item.encode(), after = again.encode();
  CHECK(std::memcmp(&before, &after, sizeof(before)) == 0);
  CHECK(again.mtime == item.mtime);
}

TEST_CASE("inode items are inserted, overwritten and removed, and the highest number is known") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  Tree& tree = image.fs_tree();
  auto handle = must(image.filesystem().begin(40));
  CHECK(must(highest_ino(tree)) == objectid::kFirstFree);
  CHECK(read_inode_item(tree, kIno).error().code == ENOENT);
  CHECK(remove_inode_item(tree, handle, kIno).error().code == ENOENT);
  InodeItem item = new_inode(handle.transid(), S_IFREG | 0644, 1);
  must(write_inode_item(tree, handle, kIno, item));
  item.size = 5;
  must(write_inode_item(tree, handle, kIno, item));
  CHECK(must(read_inode_item(tree, kIno)).size == 5);
  InodeItem older = item;
  older.generation = 1;
  must(write_inode_item(tree, handle, kIno + 1, older));
  must(insert_orphan(tree, handle, kIno));
  CHECK(must(highest_ino(tree)) == kIno + 1);
  must(remove_inode_item(tree, handle, kIno + 1));
  must(remove_inode_item(tree, handle, kIno));
  must(remove_orphan(tree, handle, kIno));
  CHECK(must(highest_ino(tree)) == objectid::kFirstFree);
}

TEST_CASE("orphans are listed in order, twice is once, and gone is gone") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  Tree& tree = image.fs_tree();
  auto handle = must(image.filesystem().begin(40));
  CHECK(must(list_orphans(tree)).empty());
  for (uint64_t ino : {400, 300, 500, 300}) must(insert_orphan(tree, handle, ino));
  CHECK(must(list_orphans(tree)) == std::vector<uint64_t>{300, 400, 500});
  must(remove_orphan(tree, handle, 400));
  CHECK(remove_orphan(tree, handle, 400).error().code == ENOENT);
  CHECK(must(list_orphans(tree)) == std::vector<uint64_t>{300, 500});
}

TEST_CASE("xattrs agree with a model under random writes and removals") {
  if (!have_btrfs_progs()) return;
  const std::string node_size = GENERATE("4096", "16384");
  MkfsImage image({"-n", node_size});
  Tree& tree = image.fs_tree();
  std::mt19937 random(3);
  std::map<std::string, std::vector<std::byte>> model;
  {
    auto handle = must(image.filesystem().begin(20));
    must(write_inode_item(tree, handle, kIno, new_inode(handle.transid(), S_IFREG | 0644, 1)));
    add_name(tree, handle, kIno, "file", 2);
  }
  for (int step = 0; step < 600; ++step) {
    auto handle = must(image.filesystem().begin(4));
    const std::string name = "user." + std::to_string(random() % 40);
    if (random() % 3 == 0) {
      const Status removed = remove_xattr(tree, handle, kIno, name);
      CHECK(removed.has_value() == (model.erase(name) == 1));
      if (!removed) CHECK(removed.error().code == ENODATA);
    } else {
      model[name] = random_value(random, random() % 3 == 0 ? 0 : random() % 900);
      must(write_xattr(tree, handle, kIno, name, model[name]));
    }
  }
  CHECK(must(list_xattrs(tree, kIno)).size() == model.size());
  for (const auto& [name, value] : model) CHECK(must(read_xattr(tree, kIno, name)) == value);
  CHECK(!must(read_xattr(tree, kIno, "user.none")).has_value());
  CHECK(image.close_and_check() == "");
}

TEST_CASE("xattr names that collide share an item and change without harm to each other") {
  if (!have_btrfs_progs()) return;
  // Both hash alike: found by trying names of this form.
  std::map<uint32_t, std::string> by_hash;
  std::string first, second;
  for (uint32_t i = 0; second.empty(); ++i) {
    const std::string name = fmt::format("user.{:08x}", i * 2654435761u);
    const auto [seen, fresh] = by_hash.try_emplace(name_hash(name), name);
    if (!fresh && seen->second != name) first = seen->second, second = name;
  }
  MkfsImage image;
  Tree& tree = image.fs_tree();
  std::mt19937 random(4);
  const auto small = random_value(random, 10), big = random_value(random, 3000),
             other = random_value(random, 77);
  {
    auto handle = must(image.filesystem().begin(40));
    must(write_inode_item(tree, handle, kIno, new_inode(handle.transid(), S_IFREG | 0644, 1)));
    add_name(tree, handle, kIno, "file", 2);
    must(write_xattr(tree, handle, kIno, first, small));
    must(write_xattr(tree, handle, kIno, second, other));
    must(write_xattr(tree, handle, kIno, first, big));
    CHECK(must(read_xattr(tree, kIno, first)) == big);
    CHECK(must(read_xattr(tree, kIno, second)) == other);
    must(write_xattr(tree, handle, kIno, first, small));
    CHECK(must(read_xattr(tree, kIno, first)) == small);
    CHECK(must(read_xattr(tree, kIno, second)) == other);
    CHECK(write_xattr(tree, handle, kIno, first, random_value(random, 16200)).error().code == ENOSPC);
    CHECK(write_xattr(tree, handle, kIno, "user.long", random_value(random, 70000)).error().code == ENOSPC);
    must(remove_xattr(tree, handle, kIno, first));
    CHECK(!must(read_xattr(tree, kIno, first)).has_value());
    CHECK(must(read_xattr(tree, kIno, second)) == other);
  }
  CHECK(image.close_and_check() == "");
}

}  // namespace butterfuse::attributes_test
