// SPDX-License-Identifier: GPL-2.0-or-later
// Names: directory entries and back references, with the collisions and overflows that share items.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <unordered_map>

#include "core/base/checksum.h"
#include "tests/core/items/item_files.h"
#include "tests/support/btrfs_check.h"

namespace butterfuse::names_test {
namespace {

constexpr uint64_t kRoot = objectid::kFirstFree;
constexpr uint64_t kIno = 300;

// Two names of the same length and hash, found by trying: of 2^17 names some pair collides almost surely.
// CRCs are linear, so the pair collides behind any common beginning and for any seed as well.
std::pair<std::string, std::string> colliding_names() {
  std::mt19937 random(1);
  std::unordered_map<uint32_t, std::string> by_hash;
  for (;;) {
    std::string name(12, 'x');
    for (char& c : name) c = static_cast<char>('a' + random() % 26);
    const auto [seen, fresh] = by_hash.try_emplace(name_hash(name), name);
    if (!fresh && seen->second != name) return {seen->second, name};
  }
}

std::vector<DirEntry> all_entries(Tree& tree) {
  std::vector<DirEntry> entries;
  must(for_each_dir_entry(tree, kRoot, 0, [&](const DirEntry& entry) {
    entries.push_back(entry);
    return true;
  }));
  return entries;
}

}  // namespace

TEST_CASE("names whose hashes collide share an item and come and go one by one") {
  if (!have_btrfs_progs()) return;
  const auto [first, second] = colliding_names();
  MkfsImage image;
  Tree& tree = image.fs_tree();
  {
    auto handle = must(image.filesystem().begin(40));
    must(write_inode_item(tree, handle, kIno, new_inode(handle.transid(), S_IFREG | 0644, 2)));
    add_name(tree, handle, kIno, first, 2);
    CHECK(!must(lookup_dir_entry(tree, kRoot, second)).has_value());
    add_name(tree, handle, kIno, second, 3);
    DirEntry again{second, {kIno, key_type::kInodeItem, 0}, file_type::kRegular, 9, 0};
    CHECK(insert_dir_entry(tree, handle, kRoot, again).error().code == EEXIST);
    CHECK(insert_inode_ref(tree, handle, kIno, {kRoot, 9, second}, true).error().code == EEXIST);
  }
  CHECK(must(lookup_dir_entry(tree, kRoot, first))->location.objectid == kIno);
  CHECK(must(lookup_dir_entry(tree, kRoot, second))->name == second);
  CHECK(must(next_dir_index(tree, kRoot)) == 4);
  CHECK(must(list_inode_refs(tree, kIno)).size() == 2);
  {
    auto handle = must(image.filesystem().begin(40));
    remove_name(tree, handle, kIno, first);
    CHECK(remove_dir_entry(tree, handle, kRoot, first, 2).error().code == ENOENT);
    CHECK(remove_inode_ref(tree, handle, kIno, kRoot, first).error().code == ENOENT);
    must(write_inode_item(tree, handle, kIno, new_inode(handle.transid(), S_IFREG | 0644, 1)));
  }
  CHECK(!must(lookup_dir_entry(tree, kRoot, first)).has_value());
  CHECK(must(lookup_dir_entry(tree, kRoot, second))->name == second);
  CHECK(image.close_and_check() == "");
}

TEST_CASE("an entry whose index is taken leaves nothing behind") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  Tree& tree = image.fs_tree();
  {
    auto handle = must(image.filesystem().begin(40));
    must(write_inode_item(tree, handle, kIno, new_inode(handle.transid(), S_IFREG | 0644, 1)));
    add_name(tree, handle, kIno, "one", 5);
    DirEntry other{"two", {kIno, key_type::kInodeItem, 0}, file_type::kRegular, 5, 0};
    CHECK(insert_dir_entry(tree, handle, kRoot, other).error().code == EUCLEAN);
    CHECK(!must(lookup_dir_entry(tree, kRoot, "two")).has_value());
    CHECK(remove_dir_entry(tree, handle, kRoot, "one", 6).error().code == EUCLEAN);
    CHECK(must(lookup_dir_entry(tree, kRoot, "one")).has_value());
  }
  CHECK(image.close_and_check() == "");
}

TEST_CASE("names beyond one INODE_REF item go to INODE_EXTREF items, and come back out") {
  if (!have_btrfs_progs()) return;
  const std::string node_size = GENERATE("4096", "16384");
  MkfsImage image({"-n", node_size});
  Tree& tree = image.fs_tree();
  std::mt19937 random(7);
  std::map<std::string, uint64_t> model;
  for (int i = 0; i < 400; ++i) model["name " + std::to_string(i) + std::string(random() % 200, 'y')] = 2 + i;
  for (const auto& [name, index] : model) {
    auto handle = must(image.filesystem().begin(20));
    must(write_inode_item(tree, handle, kIno, new_inode(handle.transid(), S_IFREG | 0644, 400)));
    add_name(tree, handle, kIno, name, index);
  }
  image.reopen();
  Tree& again = image.fs_tree();
  CHECK(must(list_inode_refs(again, kIno)).size() == model.size());
  CHECK(all_entries(again).size() == model.size());
  for (const auto& [name, index] : model)
    CHECK(must(find_inode_ref(again, kIno, kRoot, name))->index == index);
  auto handle = must(image.filesystem().begin(3000));
  for (auto each = model.begin(); each != model.end();) {
    if (random() % 3 == 0) {
      ++each;
      continue;
    }
    remove_name(again, handle, kIno, each->first);
    each = model.erase(each);
  }
  must(write_inode_item(again, handle, kIno,
                        new_inode(handle.transid(), S_IFREG | 0644, static_cast<uint32_t>(model.size()))));
  for (const auto& [name, index] : model)
    CHECK(must(find_inode_ref(again, kIno, kRoot, name))->index == index);
  { [[maybe_unused]] auto done = std::move(handle); }
  CHECK(image.close_and_check() == "");
}

TEST_CASE("back references that collide by hash share an INODE_EXTREF item") {
  if (!have_btrfs_progs()) return;
  const auto [first, second] = colliding_names();
  CHECK(extref_hash(kRoot, first) == extref_hash(kRoot, second));
  MkfsImage image({"-n", "4096"});
  Tree& tree = image.fs_tree();
  auto handle = must(image.filesystem().begin(200));
  uint64_t index = 2;
  for (; index < 30; ++index)  // fills the INODE_REF item
    must(insert_inode_ref(tree, handle, kIno, {kRoot, index, std::string(200, 'a') + std::to_string(index)},
                          true));
  must(insert_inode_ref(tree, handle, kIno, {kRoot, 100, std::string(200, 'b') + first}, true));
  must(insert_inode_ref(tree, handle, kIno, {kRoot, 101, std::string(200, 'b') + second}, true));
  CHECK(insert_inode_ref(tree, handle, kIno, {kRoot, 102, std::string(200, 'c')}, false).error().code ==
        EMLINK);
  CHECK(must(remove_inode_ref(tree, handle, kIno, kRoot, std::string(200, 'b') + first)) == 100);
  CHECK(must(find_inode_ref(tree, kIno, kRoot, std::string(200, 'b') + second))->index == 101);
  CHECK(must(list_inode_refs(tree, kIno)).size() == 29);
}

TEST_CASE("an empty directory is empty, and not with one entry") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  Tree& tree = image.fs_tree();
  CHECK(must(dir_is_empty(tree, kRoot)));
  CHECK(must(next_dir_index(tree, kRoot)) == 2);
  auto handle = must(image.filesystem().begin(20));
  must(write_inode_item(tree, handle, kIno, new_inode(handle.transid(), S_IFREG | 0644, 1)));
  add_name(tree, handle, kIno, "one", 2);
  CHECK(!must(dir_is_empty(tree, kRoot)));
}

}  // namespace butterfuse::names_test
