// SPDX-License-Identifier: GPL-2.0-or-later
// Replay: logs that the kernel wrote become what the kernel would have made of them.
#include "core/log/replay.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/core/log/log_images.h"

namespace butterfuse::replay_test {
using namespace butterfuse::test;

namespace {

const char* const kLogs[] = {"log-both", "log-data", "log-names"};

size_t writes_in(const Trace& trace) {
  size_t writes = 0;
  for (const TraceEvent& event : trace.events()) writes += event.kind == TraceEvent::Kind::write;
  return writes;
}

std::unique_ptr<BlockDevice> recorded(std::shared_ptr<BlockDevice> base,
                                      const std::shared_ptr<Trace>& trace) {
  return std::make_unique<RecordingDevice>(std::move(base), trace);
}

// The first leaf of the top subvolume's log tree.
uint64_t first_log_leaf(Filesystem& filesystem) {
  const DiskSuper& super = filesystem.volume().super();
  filesystem.tree_cache().set_generation_limit(super.generation + 1);
  Tree roots(filesystem.tree_cache(), objectid::kTreeLog,
             {super.log_root, super.generation + 1, super.log_root_level});
  const auto item = must(lookup_item(roots, {objectid::kTreeLog, key_type::kRootItem, objectid::kFsTree}));
  const auto root = load<DiskRootItem>(*item);
  Tree log(filesystem.tree_cache(), objectid::kTreeLog, {root.bytenr, root.generation, root.level});
  ReadCursor cursor(log);
  must(cursor.seek(Key{}));
  return cursor.path().leaf().bytenr();
}

// Changes a few bytes of a tree block on all its copies; its checksum fits again.
void damage_block(const std::shared_ptr<BlockDevice>& device, uint64_t bytenr, std::mt19937& random) {
  auto filesystem = must(Filesystem::open(std::make_unique<SharedDevice>(device), {.read_only = true}));
  Volume& volume = filesystem->volume();
  std::vector<std::byte> block(volume.nodesize());
  must(volume.read(bytenr, block, 0));
  const int changes = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < changes; ++i) {
    // Item headers and data both: the block's two ends.
    const size_t reach = block.size() / 8;
    const size_t at =
        random() % 2 ? sizeof(DiskHeader) + random() % reach : block.size() - 1 - random() % reach;
    block[at] = static_cast<std::byte>(random() % 3 ? random() % 256 : random() % 4);
  }
  const CsumValue csum = checksum(volume.csum_type(), ByteSpan(block).subspan(32));
  std::memcpy(block.data(), csum.data(), 32);
  must(volume.write(bytenr, block, WriteKind::metadata));
}

}  // namespace

TEST_CASE("a log that the kernel wrote is replayed to what its manifest says, and then gone") {
  if (golden_dir().empty()) return;
  for (const char* name : kLogs) {
    INFO(name);
    LogImage image(name);
    const auto device = image.fresh();
    {
      auto filesystem = must(open_replayed(std::make_unique<SharedDevice>(device), {}));
      CHECK(image.differences(*filesystem).empty());
      must(filesystem->close());
    }
    auto again = must(Filesystem::open(std::make_unique<SharedDevice>(device), {}));
    CHECK_FALSE(has_log(*again));
    CHECK(image.differences(*again).empty());
  }
}

TEST_CASE("a read-only replay happens in memory") {
  if (golden_dir().empty()) return;
  for (const char* name : kLogs) {
    INFO(name);
    LogImage image(name);
    auto filesystem = must(open_replayed(image.file(), {.read_only = true}));  // can't be written
    CHECK(image.differences(*filesystem).empty());
    CHECK(filesystem->begin(1).error().code == EROFS);
    CHECK(filesystem->read_only());
  }
}

TEST_CASE("a replay that was cut off at any write is done again") {
  if (golden_dir().empty()) return;
  for (const char* name : kLogs) {
    INFO(name);
    LogImage image(name);
    auto trace = std::make_shared<Trace>();
    must(open_replayed(recorded(image.fresh(), trace), {.commit_interval_s = 0}));
    const auto cut = image.fresh();
    size_t states = 0;
    for (const TraceEvent& event : trace->events()) {
      if (event.kind != TraceEvent::Kind::write) continue;
      must(cut->write(event.offset, event.payload, event.what));
      const auto state = std::make_shared<MemoryDevice>(cut);
      auto filesystem = must(open_replayed(std::make_unique<SharedDevice>(state), {}));
      REQUIRE(image.differences(*filesystem).empty());
      must(filesystem->close());
      ++states;
    }
    CHECK(states >= 4);
  }
}

TEST_CASE("a damaged log is replayed or refused, and a refusal writes nothing") {
  if (golden_dir().empty()) return;
  std::mt19937 random(7);
  int refused = 0, replayed = 0;
  for (const char* name : kLogs) {
    LogImage image(name);
    const uint64_t leaf = first_log_leaf(
        *must(Filesystem::open(std::make_unique<SharedDevice>(image.fresh()), {.read_only = true})));
    for (int round = 0; round < 150; ++round) {
      const auto device = image.fresh();
      damage_block(device, leaf, random);
      auto trace = std::make_shared<Trace>();
      auto filesystem = open_replayed(recorded(device, trace), {.commit_interval_s = 0});
      if (filesystem) {
        ++replayed;
        continue;
      }
      ++refused;
      INFO(filesystem.error().message);
      CHECK((filesystem.error().code == EUCLEAN || filesystem.error().code == EIO));
      CHECK(writes_in(*trace) == 0);
    }
  }
  CHECK(refused > 100);
  CHECK(replayed > 20);
}

}  // namespace butterfuse::replay_test
