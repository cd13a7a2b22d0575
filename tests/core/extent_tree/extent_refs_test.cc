// SPDX-License-Identifier: GPL-2.0-or-later
// Extent items and the changes that queued references make to them.
#include "core/extent_tree/extent_refs.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "core/btree/tree_roots.h"
#include "core/extent_tree/delayed_refs.h"

namespace butterfuse::extent_refs_test {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class NoBlocksOnDisk final : public TreeBlockSource {
 public:
  uint32_t nodesize() const override { return 4096; }
  Uuid metadata_fsid() const override { return {}; }
  Uuid chunk_tree_uuid() const override { return {}; }
  Status read(uint64_t bytenr, MutableByteSpan, uint64_t, int, uint64_t) override {
    return make_error(EIO, "block {} was never made", bytenr);
  }
};

class BumpContext final : public CowContext {
 public:
  uint64_t transid() const override { return 7; }
  Result<uint64_t> alloc_tree_block(uint64_t, uint64_t, int, const Key&) override { return next_ += 4096; }
  Result<BlockRefs> lookup_tree_refs(uint64_t, int) override { return BlockRefs{}; }
  Status set_full_backref(uint64_t, int) override { return {}; }
  Status add_tree_ref(const TreeRef&) override { return {}; }
  Status drop_tree_ref(const TreeRef&) override { return {}; }
  Status add_data_ref(const DataRef&) override { return {}; }
  Status drop_data_ref(const DataRef&) override { return {}; }
  Status free_tree_block(const TreeRef&, uint64_t) override { return {}; }

 private:
  uint64_t next_ = 1 << 20;
};

// An extent tree in memory, changed as a transaction would.
class ExtentTreeFixture {
 public:
  explicit ExtentTreeFixture(bool skinny) : shape_{4096, skinny} {
    tree_ = std::make_unique<Tree>(cache_, objectid::kExtentTree,
                                   must(create_tree_root(cache_, context_, objectid::kExtentTree)));
  }

  Result<ExtentOutcome> apply(const ExtentChange& change) {
    WriteCursor cursor(*tree_, context_);
    return ExtentRefs(cursor, shape_).apply(change);
  }
  Status run(DelayedRefs& refs) {
    for (const ExtentChange& change : refs.take_all()) BF_TRY(apply(change));
    return {};
  }

  // All references in the tree, inline and keyed, and that items are in order and add up.
  std::map<uint64_t, std::map<std::pair<uint64_t, uint64_t>, uint32_t>> references() {
    std::map<uint64_t, std::map<std::pair<uint64_t, uint64_t>, uint32_t>> all;
    std::map<uint64_t, uint64_t> promised, counted;
    ReadCursor cursor(*tree_);
    must(cursor.seek({}));
    for (; cursor.valid(); must(cursor.next())) {
      const Key key = cursor.key();
      auto note = [&](const ExtentRef& ref, uint32_t count) {
        auto& place = all[key.objectid][{ref.root + ref.parent, ref.objectid}];
        REQUIRE(place == 0);
        place = count, counted[key.objectid] += count;
      };
      if (key.type == key_type::kExtentItem || key.type == key_type::kMetadataItem) {
        ExtentItem item = must(ExtentItem::decode(key, cursor.data()));
        promised[key.objectid] = item.refs;
        REQUIRE(cursor.data().size() < shape_.max_extent_item_bytes());
        for (size_t i = 0; i < item.inline_refs.size(); ++i) {
          note(item.inline_refs[i].ref, item.inline_refs[i].count);
          if (i == 0 || item.inline_refs[i].ref.type > item.inline_refs[i - 1].ref.type) continue;
          REQUIRE(item.inline_refs[i].ref.type == item.inline_refs[i - 1].ref.type);
          REQUIRE(item.inline_refs[i].ref.sequence() <= item.inline_refs[i - 1].ref.sequence());
        }
      } else if (key.type == key_type::kExtentDataRef) {
        auto ref = cursor.as<DiskExtentDataRef>();
        note({.type = key.type, .root = ref.root, .objectid = ref.objectid, .offset = ref.offset}, ref.count);
      } else if (key.type == key_type::kSharedDataRef) {
        note({.type = key.type, .parent = key.offset}, cursor.as<DiskSharedDataRef>().count);
      } else {
        note({.type = key.type, .parent = key.offset}, 1);
      }
    }
    REQUIRE(promised == counted);
    return all;
  }
  Tree& tree() { return *tree_; }

 private:
  TreeBlockCache cache_{std::make_unique<NoBlocksOnDisk>(), 64u << 20};
  BumpContext context_;
  ExtentTreeShape shape_;
  std::unique_ptr<Tree> tree_;
};

DataRef data_ref(uint64_t bytenr, uint64_t root, uint64_t ino, uint64_t parent = 0) {
  return {.bytenr = bytenr, .num_bytes = 8192, .parent = parent, .root = root, .objectid = ino, .offset = 0};
}

}  // namespace

TEST_CASE("the hash of a data reference is the one the kernel keys it by") {
  ExtentRef ref = extent_ref_of(
      DataRef{.bytenr = 13631488, .num_bytes = 262144, .root = 5, .objectid = 279, .offset = 81920});
  CHECK(ref.sequence() == 1007496931533656272ull);  // from an image that the kernel wrote
}

TEST_CASE("each reference of an extent is the commit's debt, until it is written") {
  CommitDebt debt;
  DelayedRefs refs(4096, debt);
  for (uint64_t ino = 257; ino < 1257; ++ino) must(refs.change(data_ref(4096, 5, ino), 1));
  CHECK(debt.refs() == 1000);
  const std::vector<ExtentChange> taken = refs.take_all();
  REQUIRE(taken.size() == 1);
  CHECK(debt.refs() == 1000);
  refs.settle(taken.front());
  CHECK(debt.refs() == 0);
}

TEST_CASE("references that cancel out never reach the extent tree") {
  CommitDebt debt;
  DelayedRefs refs(4096, debt);
  must(refs.change(data_ref(4096, 5, 257), 1));
  must(refs.change(data_ref(4096, 5, 257), -1));
  CHECK(refs.take_all().empty());
  CHECK(refs.size() == 0);

  TreeRef block{.bytenr = 8192, .level = 0, .root = 5};
  must(refs.add_newborn_tree_block(block, {}));
  CHECK(refs.queued(8192).newborn);
  CHECK(must(refs.drop_and_forget_newborn(block)));
  CHECK(refs.take_all().empty());
  CHECK(debt.refs() == 0);
}

TEST_CASE("a newborn block with a second reference is not forgotten when it loses the first") {
  CommitDebt debt;
  DelayedRefs refs(4096, debt);
  must(refs.add_newborn_tree_block({.bytenr = 8192, .root = 5}, {}));
  must(refs.change(TreeRef{.bytenr = 8192, .root = 256}, 1));
  CHECK(refs.queued(8192).delta == 2);
  CHECK_FALSE(must(refs.drop_and_forget_newborn({.bytenr = 8192, .root = 5})));
  auto changes = refs.take_all();
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].total() == 1);
}

TEST_CASE("changes that contradict what is queued for an extent are refused as damage") {
  CommitDebt debt;
  DelayedRefs refs(4096, debt);
  must(refs.change(data_ref(4096, 5, 257), 1));
  DataRef longer = data_ref(4096, 5, 258);
  longer.num_bytes = 12288;
  CHECK(refs.change(longer, 1).error().code == EUCLEAN);
  CHECK(refs.change(TreeRef{.bytenr = 4096, .root = 5}, 1).error().code == EUCLEAN);
  CHECK(refs.add_newborn_tree_block({.bytenr = 4096, .root = 5}, {}).error().code == EUCLEAN);
}

TEST_CASE("dropping a reference that is not there is damage, not a crash") {
  ExtentTreeFixture extents(true);
  CommitDebt debt;
  DelayedRefs refs(4096, debt);
  must(refs.change(data_ref(4096, 5, 257), -1));
  CHECK(extents.run(refs).error().code == EUCLEAN);
  must(refs.add_newborn_data(data_ref(8192, 5, 257)));
  must(extents.run(refs));
  must(refs.change(data_ref(8192, 5, 300), -1));
  CHECK(extents.run(refs).error().code == EUCLEAN);
}

TEST_CASE("flags and references of a tree block are found again, with and without skinny items") {
  for (bool skinny : {true, false}) {
    ExtentTreeFixture extents(skinny);
    CommitDebt debt;
    DelayedRefs refs(4096, debt);
    must(refs.add_newborn_tree_block({.bytenr = 8192, .level = 2, .root = 5}, {256, 1, 0}));
    must(refs.change(TreeRef{.bytenr = 8192, .level = 2, .root = 256}, 1));
    must(extents.run(refs));
    must(refs.set_full_backref(8192, 2));
    must(extents.run(refs));
    BlockRefs found = must(read_block_refs(extents.tree(), 8192, 2, 4096));
    CHECK(found.refs == 2);
    CHECK(found.flags == (extent_flag::kTreeBlock | extent_flag::kFullBackref));
  }
}

TEST_CASE("random references of many kinds stay equal to a model, inline and keyed") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    std::mt19937 random(seed);
    ExtentTreeFixture extents(seed % 2 == 0);
    CommitDebt debt;
    DelayedRefs refs(4096, debt);
    std::map<uint64_t, std::map<std::pair<uint64_t, uint64_t>, uint32_t>> model;
    for (int round = 0; round < 300; ++round) {
      for (int i = static_cast<int>(random() % 20); i >= 0; --i) {
        const uint64_t bytenr = (1 + random() % 5) * 65536;
        auto& known = model[bytenr];
        if (known.empty()) {
          if (refs.queued(bytenr).newborn || refs.size() > 0) continue;  // it may still wait for its removal
          must(refs.add_newborn_data(data_ref(bytenr, 5, 257)));
          known[{5, 257}] = 1;
        } else if (random() % 100 < (round / 50 % 2 ? 40 : 60)) {
          const bool shared = random() % 3 == 0;
          const uint64_t root = shared ? (1 + random() % 30) * 4096 : 256 + random() % 3;
          const uint64_t ino = shared ? 0 : 257 + random() % 20;
          must(refs.change(data_ref(bytenr, root, ino, shared ? root : 0), 1));
          ++known[{root, ino}];
        } else {
          auto victim = std::next(known.begin(), static_cast<ptrdiff_t>(random() % known.size()));
          auto [root, ino] = victim->first;
          must(refs.change(data_ref(bytenr, root, ino, ino == 0 ? root : 0), -1));
          if (--victim->second == 0) known.erase(victim);
        }
      }
      must(extents.run(refs));
      auto expected = model;
      std::erase_if(expected, [](const auto& entry) { return entry.second.empty(); });
      REQUIRE(extents.references() == expected);
    }
  }
}

}  // namespace butterfuse::extent_refs_test
