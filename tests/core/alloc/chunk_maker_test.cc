// SPDX-License-Identifier: GPL-2.0-or-later
// ChunkMaker and Admission: who gets device space, and what may be promised on it.
#include "core/alloc/chunk_maker.h"

#include <catch2/catch.hpp>

#include "core/alloc/allocator_state.h"
#include "core/device/memory_device.h"
#include "core/mkfs/mkfs.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::chunk_maker_test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kTree = 5;  // its promises are so many new blocks

// A new file system of which only the chunk of the superblock is known, and full: all the rest of its device
// is still to be given to chunks.
class World {
 public:
  explicit World(uint64_t device_mib) {
    auto device = std::make_unique<MemoryDevice>(device_mib * kMiB);
    must(make_filesystem(*device, {}));
    volume_ = must(Volume::open(std::move(device)));
    state_ = std::make_unique<AllocatorState>(*volume_, AllocatorTrees{}, debt);
    must(read_block_groups(*state_));
    debt.trees().know_as_blocks(kTree);
  }
  AllocatorState& operator*() { return *state_; }
  CommitDebt debt;

 private:
  std::unique_ptr<Volume> volume_;
  std::unique_ptr<AllocatorState> state_;
};

}  // namespace

TEST_CASE("a new chunk is free, known to the volume, and waits for its items") {
  World world(512);
  AllocatorState& state = *world;
  MutexLock lock(state.mutex);
  REQUIRE(state.chunks.grow(state.groups.metadata()));
  const auto& groups = state.groups.metadata().groups();
  REQUIRE(groups.size() == 1);
  const BlockGroup& group = *groups[0];
  CHECK(group.items == BlockGroup::Items::pending);
  CHECK(group.loaded());
  CHECK(group.counters.free() == group.counters.total - group.counters.unusable);
  CHECK(group.free_space->free_bytes() == group.counters.free());
  CHECK(state.volume.chunk_at(group.start()) == group.chunk);
  CHECK(state.groups.system().groups().size() == 2);  // what was there is full
}

TEST_CASE("data gets no chunk before metadata, which is tight, has its own") {
  World world(512);
  AllocatorState& state = *world;
  MutexLock lock(state.mutex);
  CHECK(state.groups.metadata().groups().empty());
  REQUIRE(state.chunks.grow(state.groups.data()));
  CHECK(state.groups.metadata().groups().size() == 1);
  REQUIRE(state.chunks.grow(state.groups.data()));
  CHECK(state.groups.metadata().groups().size() == 1);  // not tight any more
  CHECK(state.groups.data().groups().size() == 2);
}

TEST_CASE("the address of a chunk that went does not come again") {
  World world(512);
  AllocatorState& state = *world;
  MutexLock lock(state.mutex);
  REQUIRE(state.chunks.grow(state.groups.data()));
  BlockGroup& group = *state.groups.data().groups()[0];
  const auto chunk = group.chunk;
  state.groups.remove(group);
  state.chunks.bury(*chunk);
  CHECK(state.volume.chunk_at(chunk->start) == nullptr);
  REQUIRE(state.chunks.grow(state.groups.data()));
  const BlockGroup& next = *state.groups.data().groups()[0];
  CHECK(next.start() >= chunk->start + chunk->length);
  CHECK(next.chunk->stripes[0].physical == chunk->stripes[0].physical);  // but its device space does
}

TEST_CASE("data is promised as far as the devices go, less what metadata was promised") {
  World world(256);
  AllocatorState& state = *world;
  MutexLock lock(state.mutex);
  must(state.admission.admit_metadata(100 * kMiB, kTree));
  uint64_t data = 0;
  Status status;
  for (; status; data += kMiB) status = state.admission.admit_data(kMiB);
  CHECK(status.error().code == ENOSPC);
  CHECK(state.promises.data_bytes() == data - kMiB);
  CHECK(data > 32 * kMiB);
  CHECK(data < 156 * kMiB);
  CHECK(state.groups.data().counters().free() >= state.promises.data_bytes());
  CHECK(state.promises.metadata_room() >= state.promises.metadata_pool_need());
  CHECK(state.chunks.another_starves(state.groups.metadata()));
  CHECK_FALSE(state.chunks.another_starves(state.groups.data()));
  state.chunks.forget_starving();
  CHECK_FALSE(state.chunks.another_starves(state.groups.metadata()));
}

TEST_CASE("metadata is promised on device space, and refused promises change nothing in the books") {
  World world(256);
  AllocatorState& state = *world;
  MutexLock lock(state.mutex);
  must(state.admission.admit_metadata(100 * kMiB, kTree));
  CHECK(state.promises.metadata_bytes() == 100 * kMiB);
  CHECK(state.groups.metadata().counters().free() < 100 * kMiB);
  const Status refused = state.admission.admit_metadata(200 * kMiB, kTree);
  CHECK(refused.error().code == ENOSPC);
  CHECK(state.promises.metadata_bytes() == 100 * kMiB);
}

TEST_CASE("work that frees space is promised less rather than nothing, and at last nothing") {
  World world(128);
  AllocatorState& state = *world;
  MutexLock lock(state.mutex);
  const uint64_t asked = 256 * kMiB, least = 2 * kBlocksPerItem * state.nodesize;
  const uint64_t first = must(state.admission.admit_freeing(asked, kTree));
  CHECK(first < asked);
  CHECK(first >= least);
  CHECK(state.promises.metadata_bytes() == first);
  uint64_t sum = first;
  while (auto more = state.admission.admit_freeing(asked, kTree)) {
    CHECK(*more >= least);
    sum += *more;
  }
  CHECK(state.promises.metadata_bytes() == sum);
  CHECK(state.admission.admit_metadata(least, kTree).error().code == ENOSPC);
}

}  // namespace butterfuse::chunk_maker_test
