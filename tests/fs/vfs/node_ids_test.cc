// Node numbers are a bijection.
#include "fs/vfs/node_ids.h"

#include <catch2/catch.hpp>

using namespace butterfuse;

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
  const uint64_t big = uint64_t{1} << 40;
  for (uint64_t root : {uint64_t{0}, uint64_t{5}, uint64_t{256}, uint64_t{300}, (uint64_t{1} << 23) - 1,
                        uint64_t{1} << 23, big}) {
    for (uint64_t ino : {uint64_t{256}, uint64_t{257}, big - 1, big, big + 256, uint64_t{0} - 256}) {
      const InodeKey key{root, ino};
      const uint64_t node = ids.node_of(key);
      CHECK(seen.emplace(node, key).second);
      CHECK(ids.key_of(node) == key);
      CHECK(ids.node_of(key) == node);
    }
  }
}

TEST_CASE("a node number nobody was given leads nowhere") {
  NodeIds ids(5, 256);
  CHECK_FALSE(ids.key_of(uint64_t{1} << 63 | 7));
}
