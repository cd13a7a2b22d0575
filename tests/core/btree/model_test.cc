// SPDX-License-Identifier: GPL-2.0-or-later
// Trees against std::map: random changes, snapshots, commits and reopens, with every reference accounted for.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/support/catch/memory_trees.h"

namespace butterfuse::test::model_test {
namespace {

using Items = std::map<Key, std::vector<std::byte>>;

// One tree and what it should hold. File extents carry their data references, as the items room does it.
class Model {
 public:
  Model(MemoryTrees& trees, uint64_t root_id, std::mt19937_64& random)
      : trees_(trees), root_id_(root_id), random_(random) {}
  Model(const Model& source, uint64_t root_id) : Model(source) { root_id_ = root_id; }

  const Items& items() const { return items_; }
  Tree& tree() { return trees_.tree(root_id_); }

  void random_change() {
    switch (pick(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return insert(random_key(), random_size());
      case 4:
        return resize(random_key(), random_size());
      case 5:
        return overwrite(random_key());
      case 6:
      case 7:
        return remove(random_key());
      case 8:
        return insert_run(random_key(), 1 + pick(60));
      default:
        return remove_run(random_key(), 1 + pick(80));
    }
  }

  void insert(const Key& key, uint32_t size) {
    std::vector<std::byte> data = key.type == key_type::kExtentData ? random_extent() : random_bytes(size);
    WriteCursor cursor(tree(), trees_.context());
    Status status = cursor.insert(key, data);
    bool is_new = items_.emplace(key, data).second;
    REQUIRE(status.has_value() == is_new);
    if (!is_new) REQUIRE(status.error().code == EEXIST);
    if (is_new) count_extent(key, data, RefChange::add);
    REQUIRE(cursor.key() == key);
    REQUIRE(same(cursor.data(), items_.at(key)));
  }

  void insert_run(Key key, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i, ++key.offset) insert(key, random_size());
  }

  void remove(const Key& key) {
    WriteCursor cursor(tree(), trees_.context());
    auto item = items_.lower_bound(key);
    bool found = cursor.seek(key).value();
    bool should_be_found = item != items_.end() && item->first == key;
    REQUIRE(found == should_be_found);
    expect_at(cursor, item);
    if (item == items_.end()) return;
    count_extent_after_cow(cursor, *item);
    REQUIRE(cursor.remove());
    expect_at(cursor, items_.erase(item));
  }

  void remove_run(const Key& key, uint64_t count) {
    WriteCursor cursor(tree(), trees_.context());
    REQUIRE(cursor.seek(key));
    auto first = items_.lower_bound(key);
    auto last = first;
    uint64_t left = count;
    REQUIRE(cursor.remove_while([&](const Key& item_key, ByteSpan data) -> Result<bool> {
      if (left == 0) return false;
      --left;
      REQUIRE(item_key == last->first);
      REQUIRE(same(data, last->second));
      count_extent(item_key, last->second, RefChange::drop);
      ++last;
      return true;
    }));
    expect_at(cursor, items_.erase(first, last));
  }

  void resize(const Key& key, uint32_t size) {
    WriteCursor cursor(tree(), trees_.context());
    auto item = items_.lower_bound(key);
    REQUIRE(cursor.seek(key));
    if (item == items_.end() || item->first.type == key_type::kExtentData) return;
    REQUIRE(cursor.resize(size));
    item->second.resize(size);
    expect_at(cursor, item);
  }

  void overwrite(const Key& key) {
    WriteCursor cursor(tree(), trees_.context());
    auto item = items_.lower_bound(key);
    REQUIRE(cursor.seek(key));
    if (item == items_.end() || item->first.type == key_type::kExtentData) return;
    item->second = random_bytes(static_cast<uint32_t>(item->second.size()));
    std::ranges::copy(item->second, cursor.mutable_data().value().begin());
    expect_at(cursor, item);
  }

  // Both ways along the tree, and look-ups.
  void check() {
    ReadCursor cursor(tree());
    REQUIRE(cursor.seek(Key{}));
    for (const auto& [key, data] : items_) {
      REQUIRE(cursor.valid());
      REQUIRE(cursor.key() == key);
      REQUIRE(same(cursor.data(), data));
      REQUIRE(cursor.next());
    }
    REQUIRE(!cursor.valid());
    bool any = cursor.seek_at_or_before(kMaxKey).value();
    REQUIRE(any != items_.empty());
    for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
      REQUIRE(cursor.key() == item->first);
      REQUIRE(cursor.prev());
    }
    REQUIRE(!cursor.valid());
    for (int i = 0; i < 20; ++i) check_seek_before(cursor, random_key());
  }

 private:
  static bool same(ByteSpan left, ByteSpan right) { return std::ranges::equal(left, right); }
  uint64_t pick(uint64_t end) { return random_() % end; }

  Key random_key() {
    constexpr uint8_t kTypes[] = {key_type::kTemporaryItem, key_type::kExtentData, key_type::kStringItem};
    return {1 + pick(8), kTypes[pick(3)], pick(200)};
  }
  uint32_t random_size() {
    uint32_t largest = trees_.cache().nodesize() - 101 - 25;
    uint64_t kind = pick(100);
    if (kind < 70) return static_cast<uint32_t>(pick(120));
    if (kind < 98) return static_cast<uint32_t>(pick(largest / 4));
    return largest - static_cast<uint32_t>(pick(largest / 2));
  }
  std::vector<std::byte> random_bytes(uint32_t size) {
    std::vector<std::byte> data(size);
    for (std::byte& byte : data) byte = static_cast<std::byte>(random_());
    return data;
  }
  std::vector<std::byte> random_extent() {
    DiskFileExtent extent{};
    extent.type = file_extent_type::kRegular;
    extent.disk_bytenr = pick(4) * (1 << 20);  // 0: a hole
    extent.disk_num_bytes = 1 << 20;
    extent.ram_bytes = 1 << 20;
    extent.num_bytes = 4096;
    extent.offset = pick(3) * 4096;
    ByteSpan bytes = object_bytes(extent);
    return {bytes.begin(), bytes.end()};
  }

  enum class RefChange { add, drop };
  void count_extent(const Key& key, ByteSpan data, RefChange change) {
    if (key.type != key_type::kExtentData) return;
    auto extent = load<DiskFileExtent>(data);
    if (extent.disk_bytenr == 0) return;
    DataRef ref{.bytenr = extent.disk_bytenr,
                .num_bytes = extent.disk_num_bytes,
                .root = root_id_,
                .objectid = key.objectid,
                .offset = key.offset - extent.offset};
    CountingContext& context = trees_.context();
    REQUIRE((change == RefChange::add ? context.add_data_ref(ref) : context.drop_data_ref(ref)));
  }
  void count_extent_after_cow(WriteCursor& cursor, const Items::value_type& item) {
    REQUIRE(cursor.mutable_data());  // a shared leaf gets references of its own here
    count_extent(item.first, item.second, RefChange::drop);
  }

  void expect_at(const WriteCursor& cursor, Items::iterator item) {
    REQUIRE(cursor.valid() == (item != items_.end()));
    if (item == items_.end()) return;
    REQUIRE(cursor.key() == item->first);
    REQUIRE(same(cursor.data(), item->second));
  }

  void check_seek_before(ReadCursor& cursor, const Key& key) {
    auto item = items_.upper_bound(key);
    bool found = cursor.seek_at_or_before(key).value();
    REQUIRE(found == (item != items_.begin()));
    if (found) REQUIRE(cursor.key() == std::prev(item)->first);
  }

  MemoryTrees& trees_;
  uint64_t root_id_;
  std::mt19937_64& random_;
  Items items_;
};

void run_random_changes(uint32_t nodesize, uint64_t cache_bytes, uint64_t seed, int steps) {
  INFO("nodesize " << nodesize << " seed " << seed);
  std::mt19937_64 random(seed);
  MemoryTrees trees(nodesize, cache_bytes);
  std::vector<Model> models;
  trees.create(objectid::kFsTree);
  models.emplace_back(trees, objectid::kFsTree, random);
  trees.create(objectid::kCsumTree);
  trees.create(objectid::kRootTree);
  for (int step = 0; step < steps; ++step) {
    models[random() % models.size()].random_change();
    uint64_t event = random() % 1000;
    if (event < 4 && models.size() < 5) {
      Model& source = models[random() % models.size()];
      uint64_t id = objectid::kFirstFree + models.size();
      trees.snapshot(source.tree(), id);
      Model copy(source, id);
      models.push_back(std::move(copy));
    } else if (event < 12) {
      trees.commit();
    } else if (event < 15) {
      trees.reopen();
    }
    if (event >= 995) trees.check();
  }
  trees.check();
  for (Model& model : models) model.check();
  trees.reopen();
  trees.check();
  for (Model& model : models) model.check();
}

}  // namespace

TEST_CASE("random changes of trees with snapshots match a map, in nodes of 4 KiB") {
  for (uint64_t seed = 1; seed <= 6; ++seed) run_random_changes(4096, 64 << 20, seed, 3000);
}

TEST_CASE("random changes of trees with snapshots match a map, in nodes of 16 KiB") {
  for (uint64_t seed = 1; seed <= 3; ++seed) run_random_changes(16384, 64 << 20, seed, 3000);
}

TEST_CASE("a cache far too small changes nothing but the speed") {
  for (uint64_t seed = 11; seed <= 13; ++seed) run_random_changes(4096, 16 << 10, seed, 2000);
}

TEST_CASE("emptying a tree leaves one empty leaf") {
  std::mt19937_64 random(5);
  MemoryTrees trees(4096);
  trees.create(objectid::kFsTree);
  Model model(trees, objectid::kFsTree, random);
  for (int i = 0; i < 40; ++i) model.insert_run({1, key_type::kStringItem, uint64_t(i) * 100}, 50);
  REQUIRE(trees.tree(objectid::kFsTree).root().level > 0);
  SECTION("by runs") { model.remove_run(Key{}, 1'000'000); }
  SECTION("by runs after a commit") {
    trees.reopen();
    model.remove_run(Key{}, 1'000'000);
  }
  SECTION("one by one") {
    while (!model.items().empty()) model.remove(Key{});
  }
  SECTION("one by one from the end") {
    while (!model.items().empty()) model.remove(model.items().rbegin()->first);
  }
  REQUIRE(trees.tree(objectid::kFsTree).root().level == 0);
  trees.check();
  REQUIRE(trees.context().blocks().size() == 1);
}

TEST_CASE("runs that end whole nodes of a tall tree leave it sound") {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    std::mt19937_64 random(seed);
    MemoryTrees trees(4096);
    trees.create(objectid::kFsTree);
    Model model(trees, objectid::kFsTree, random);
    for (uint64_t i = 0; i < 300; ++i) model.insert_run({i, key_type::kStringItem, 0}, 50);
    REQUIRE(trees.tree(objectid::kFsTree).root().level == 2);
    trees.reopen();
    bool with_snapshot = seed == 2;
    if (with_snapshot) trees.snapshot(trees.tree(objectid::kFsTree), objectid::kFirstFree);
    for (int i = 0; i < 30; ++i) {
      model.remove_run({random() % 300, key_type::kStringItem, 0}, 1 + random() % 2000);
      if (i % 10 == 0) trees.check();
    }
    trees.check();
    model.check();
  }
}

TEST_CASE("what does not fit or is there already changes nothing") {
  MemoryTrees trees(4096);
  Tree& tree = trees.create(objectid::kFsTree);
  Key key{1, key_type::kStringItem, 0};
  WriteCursor cursor(tree, trees.context());
  REQUIRE(cursor.max_item_size() == 4096 - 101 - 25);
  REQUIRE(cursor.insert(key, cursor.max_item_size() + 1).error().code == EOVERFLOW);
  REQUIRE(cursor.insert(key, 8));
  REQUIRE(cursor.resize(cursor.max_item_size() + 1).error().code == EOVERFLOW);
  REQUIRE(cursor.insert(key, 9).error().code == EEXIST);
  REQUIRE(cursor.data().size() == 8);
  REQUIRE(cursor.resize(cursor.max_item_size()));
  REQUIRE(cursor.insert({2, key_type::kStringItem, 0}, cursor.max_item_size()));
  REQUIRE(cursor.seek(key).value());
  REQUIRE(cursor.set_key({3, key_type::kStringItem, 0}));  // alone in its leaf: only its caller knows better
  REQUIRE(cursor.set_key(key));
}

TEST_CASE("lookup_item finds the item of exactly that key") {
  MemoryTrees trees(4096);
  Tree& tree = trees.create(objectid::kFsTree);
  Key key{1, key_type::kStringItem, 5};
  REQUIRE(WriteCursor(tree, trees.context()).insert(key, as_bytes("hello")));
  REQUIRE(as_text(lookup_item(tree, key).value().value()) == "hello");
  REQUIRE(!lookup_item(tree, {1, key_type::kStringItem, 4}).value());
}

}  // namespace butterfuse::test::model_test
