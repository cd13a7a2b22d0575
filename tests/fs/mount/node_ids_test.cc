// SPDX-License-Identifier: GPL-2.0-or-later
// Node ids lead back to their inode; inode numbers are unique, short and stable.
#include "fs/mount/node_ids.h"

#include <catch2/catch.hpp>
#include <random>
#include <unordered_set>

namespace butterfuse::node_ids_test {
namespace {

bool is_short(uint64_t number) { return number >> 32 == 0; }

}  // namespace

TEST_CASE("the mounted subvolume keeps its inode numbers and its root is node 1") {
  NodeIds ids(5, 256);
  CHECK(ids.node_of({5, 256}) == 1);
  CHECK(ids.ino_of({5, 256}) == 256);
  CHECK(ids.ino_of({5, 300}) == 300);
  CHECK(ids.key_of(1) == InodeKey{5, 256});
  CHECK(ids.key_of(300) == InodeKey{5, 300});
}

TEST_CASE("every inode of every subvolume has a number of its own that leads back to it") {
  NodeIds ids(300, 256);
  std::unordered_map<uint64_t, InodeKey> seen;
  std::unordered_set<uint64_t> shown;
  const uint64_t big = uint64_t{1} << 40;
  for (uint64_t root : {uint64_t{0}, uint64_t{5}, uint64_t{256}, uint64_t{300}, (uint64_t{1} << 23) - 1,
                        uint64_t{1} << 23, big}) {
    for (uint64_t ino : {uint64_t{256}, uint64_t{257}, big - 1, big, big + 256, uint64_t{0} - 256}) {
      const InodeKey key{root, ino};
      const uint64_t node = ids.node_of(key);
      CHECK(seen.emplace(node, key).second);
      CHECK(ids.key_of(node) == key);
      CHECK(ids.node_of(key) == node);
      CHECK(shown.insert(ids.ino_of(key)).second);
    }
  }
}

TEST_CASE("a node number nobody was given leads nowhere") {
  NodeIds ids(5, 256);
  CHECK_FALSE(ids.key_of(uint64_t{1} << 63 | 7));
}

TEST_CASE("a node number of one mount leads to the same inode, or to none, in a mount of another subvolume") {
  const uint64_t mounted[] = {5, 256, 300};
  for (const uint64_t one : mounted) {
    for (const uint64_t other : mounted) {
      NodeIds then(one, 256), now(other, 256);
      for (const uint64_t root : {5, 256, 300, 301}) {
        for (const uint64_t ino : {256, 257, 300, 70'000}) {
          const InodeKey key{root, ino};
          const uint64_t node = then.node_of(key);
          if (node == NodeIds::kRootNode) continue;  // FUSE has no other number for it
          const auto found = now.key_of(node);
          CHECK((found ? found == key : now.node_of(key) == NodeIds::kRootNode));
          if (found) CHECK(now.node_of(key) == node);
        }
      }
    }
  }
}

TEST_CASE("a counted node number of an earlier mount leads nowhere") {
  NodeIds then(5, 256, 1'000'000), now(5, 256, 2'000'000);
  const uint64_t node = then.node_of({5, uint64_t{1} << 40});
  (void)now.node_of({5, uint64_t{1} << 41});
  CHECK(then.key_of(node) == InodeKey{5, uint64_t{1} << 40});
  CHECK_FALSE(now.key_of(node));
}

TEST_CASE("inode numbers of many subvolumes fit 32 bits and differ") {
  NodeIds ids(5, 256);
  std::unordered_set<uint64_t> seen;
  uint64_t long_ones = 0, twice = 0;
  for (uint64_t root = 255; root < 2000; ++root) {
    for (const uint64_t ino : {256u, 257u, 1000u, 65'535u, 65'536u, 2'000'000u, 2'000'001u}) {
      const uint64_t number = ids.ino_of({root == 255 ? 5 : root, ino});
      long_ones += !is_short(number);
      twice += !seen.insert(number).second;
    }
  }
  CHECK(long_ones == 0);
  CHECK(twice == 0);
}

TEST_CASE("inode numbers that find no place in 32 bits are long ones, and no other's") {
  NodeIds ids(300, 256);
  std::unordered_set<uint64_t> seen;
  uint64_t long_ones = 0, twice = 0;
  for (uint64_t block = 0; block < 40'000; ++block) {
    const uint64_t number = ids.ino_of({256 + block % 3, block << 16});
    long_ones += !is_short(number);
    twice += !seen.insert(number).second;
  }
  CHECK(long_ones > 0);
  CHECK(long_ones < 40'000 / 2);
  CHECK(twice == 0);
  CHECK(ids.ino_of({300, 257}) == 257);
  const uint64_t before = ids.ino_of({256, 0}), late = ids.ino_of({999, 256});
  CHECK(is_short(before));
  CHECK_FALSE(is_short(late));
  CHECK(ids.ino_of({256, 0}) == before);
  CHECK(ids.ino_of({999, 256}) == late);
  CHECK(ids.ino_of({256, 1}) == before + 1);
}

TEST_CASE("whatever inodes are asked for in whatever order, none shares a number, and none changes it") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    const uint64_t mounted = round % 2 == 0 ? 5 : 256 + random() % 64;
    NodeIds ids(mounted, 256);
    std::unordered_map<InodeKey, uint64_t, InodeKeyHash> shown;
    std::unordered_map<uint64_t, InodeKey> owner;
    uint64_t wrong = 0;
    for (int question = 0; question < 20'000; ++question) {
      // Mostly few subvolumes and small inodes, so that many keys meet; now and then any.
      const uint64_t root =
          random() % 16 == 0 ? random() >> random() % 64 : random() % 80 + (random() % 3) * 1000;
      const uint64_t ino = 256 + (random() % 4 == 0 ? random() >> (1 + random() % 63) : random() % 200);
      const InodeKey key{root, ino};
      const uint64_t number = ids.ino_of(key);
      wrong += shown.try_emplace(key, number).first->second != number;
      wrong += owner.try_emplace(number, key).first->second != key;
      wrong += root == mounted && ino < (uint64_t{1} << 31) && number != ino;
      wrong += ids.key_of(ids.node_of(key)) != key;
    }
    CHECK(wrong == 0);
  }
}

}  // namespace butterfuse::node_ids_test
