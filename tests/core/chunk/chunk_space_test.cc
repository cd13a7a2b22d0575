// SPDX-License-Identifier: GPL-2.0-or-later
// Device space and the size of new chunks.
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "core/chunk/chunk_items.h"
#include "core/chunk/chunk_plan.h"
#include "core/volume/super_mirrors.h"

namespace butterfuse::chunk_space_test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;

DeviceSpace space_of(const std::vector<uint64_t>& device_bytes) {
  DeviceSpace space;
  uint64_t devid = 1;
  for (const uint64_t bytes : device_bytes) {
    Uuid uuid;
    uuid.bytes[3] = static_cast<uint8_t>(6 + devid);
    space.add_device(devid++, uuid, bytes);
  }
  return space;
}

ChunkMapping chunk_at_physical(uint64_t start, uint64_t length, std::vector<uint64_t> stripes) {
  ChunkMapping chunk;
  chunk.start = start;
  chunk.length = length;
  chunk.type = bg::kData | (stripes.size() == 2 ? bg::kDup : 0);
  for (const uint64_t physical : stripes) chunk.stripes.push_back({1, physical, {}});
  return chunk;
}

}  // namespace

TEST_CASE("new chunks have the sizes the kernel would give them") {
  CHECK(wanted_chunk_bytes(bg::kData, 128 * kMiB) == 16 * kMiB);
  CHECK(wanted_chunk_bytes(bg::kData, 256 * kMiB) == 32 * kMiB);
  CHECK(wanted_chunk_bytes(bg::kData, 100 * kGiB) == kGiB);
  CHECK(wanted_chunk_bytes(bg::kMetadata | bg::kDup, 10 * kGiB) == 256 * kMiB);
  CHECK(wanted_chunk_bytes(bg::kMetadata, 51 * kGiB) == kGiB);
  CHECK(wanted_chunk_bytes(bg::kSystem, 51 * kGiB) == 32 * kMiB);
}

TEST_CASE("chunks never overlap on the device, stay behind its first MiB, and fill it to the end") {
  std::mt19937_64 random(3);
  DeviceSpace space = space_of({200 * kMiB + 4096});
  std::vector<ChunkMapping> chunks;
  uint64_t logical = kMiB;
  for (int step = 0; step < 2000; step++) {
    if (!chunks.empty() && random() % 3 == 0) {
      const size_t victim = random() % chunks.size();
      space.remove(chunks[victim]);
      chunks.erase(chunks.begin() + victim);
      continue;
    }
    const uint64_t type = random() % 2 ? bg::kMetadata | bg::kDup : uint64_t{bg::kData};
    const auto plan = plan_chunk(space, type, logical, kMiB + random() % (30 * kMiB));
    if (!plan) {
      CHECK(space.convertible_bytes(type) == 0);
      continue;
    }
    REQUIRE(plan->stripes.size() == (type & bg::kDup ? 2 : 1));
    REQUIRE(plan->stripes[0].physical >= kMiB);
    REQUIRE(plan->length % kStripeLen == 0);
    REQUIRE(plan->stripes[0].dev_uuid.bytes[3] == 7);
    REQUIRE(space.add(*plan));  // refuses overlaps
    logical += plan->length;
    chunks.push_back(*plan);
  }
}

TEST_CASE("chunks of each profile go to different devices, and fill them as far as the profile can") {
  std::mt19937_64 random(7);
  const std::vector<uint64_t> sizes{200 * kMiB, 300 * kMiB, 250 * kMiB, 120 * kMiB, 64 * kMiB};
  for (const uint64_t profile :
       {uint64_t{0}, bg::kDup, bg::kRaid0, bg::kRaid1, bg::kRaid1c3, bg::kRaid1c4, bg::kRaid10}) {
    const RaidProfile& rules = raid_profile(profile);
    INFO(rules.name);
    DeviceSpace space = space_of(sizes);
    uint64_t logical = kMiB, made = 0, promised = space.convertible_bytes(profile);
    REQUIRE(promised > 0);
    while (auto plan = plan_chunk(space, bg::kData | profile, logical, kMiB + random() % (30 * kMiB))) {
      REQUIRE(chunk_flaw(*plan) == nullptr);
      std::set<uint64_t> devids;
      for (const ChunkStripe& stripe : plan->stripes) devids.insert(stripe.devid);
      REQUIRE(devids.size() * rules.device_stripes == plan->stripes.size());
      REQUIRE(devids.size() % rules.device_step == 0);
      REQUIRE(space.add(*plan));
      logical += plan->length;
      made += plan->length;
    }
    CHECK(space.convertible_bytes(profile) == 0);
    // The promise is what can be made of the space, give or take the sizes of chunks.
    CHECK(made >= promised * 9 / 10);
    CHECK(made <= promised * 11 / 10);
  }
}

TEST_CASE("a device that is missing or a seed gets no chunks, and RAID1 none without a second device") {
  DeviceSpace space = space_of({64 * kMiB});
  space.add_device(2, {}, 64 * kMiB, false);
  CHECK(space.usable_devices() == 1);
  CHECK_FALSE(plan_chunk(space, bg::kData | bg::kRaid1, kMiB, 8 * kMiB));
  CHECK(space.convertible_bytes(bg::kRaid1) == 0);
  const auto plan = plan_chunk(space, bg::kData, kMiB, 8 * kMiB);
  REQUIRE(plan);
  CHECK(plan->stripes[0].devid == 1);
}

TEST_CASE("a chunk whose stripes overlap others or leave the device is damage") {
  DeviceSpace space = space_of({64 * kMiB});
  REQUIRE(space.add(chunk_at_physical(0, 8 * kMiB, {4 * kMiB})));
  CHECK(space.add(chunk_at_physical(0, 8 * kMiB, {8 * kMiB})).error().code == EUCLEAN);
  CHECK(space.add(chunk_at_physical(0, 8 * kMiB, {60 * kMiB})).error().code == EUCLEAN);
  CHECK(space.add(chunk_at_physical(0, ~uint64_t{0}, {60 * kMiB})).error().code == EUCLEAN);
}

TEST_CASE("superblock mirrors are found in every copy of a chunk") {
  const ChunkMapping dup = chunk_at_physical(100 * kMiB, 40 * kMiB, {30 * kMiB, 62 * kMiB});
  const std::vector<ByteRange> mirrors = super_mirrors_in(dup);
  REQUIRE(mirrors.size() == 2);
  CHECK(mirrors[0] == ByteRange::at(102 * kMiB, 65536));
  CHECK(mirrors[1] == ByteRange::at(134 * kMiB, 65536));
  CHECK(super_mirrors_in(chunk_at_physical(100 * kMiB, 8 * kMiB, {30 * kMiB})).empty());
  CHECK(super_mirrors_in(chunk_at_physical(0, 4 * kMiB, {0})).front() == ByteRange{0, 131072});
}

TEST_CASE("sys_chunk_array gets and loses entries") {
  DiskSuper super{};
  super.sectorsize = kSectorSize;
  ChunkMapping chunk = chunk_at_physical(0, 8 * kMiB, {kMiB, 9 * kMiB});
  chunk.type = bg::kSystem | bg::kDup;
  int added = 0;
  for (;; added++) {
    chunk.start = added * 8 * kMiB;
    if (!add_sys_chunk(super, chunk)) break;
  }
  CHECK(added == 2048 / 129);
  for (const uint64_t start : {uint64_t{3}, uint64_t{0}, uint64_t(added - 1)})
    remove_sys_chunk(super, start * 8 * kMiB);
  CHECK(super.sys_chunk_array_size == (added - 3) * 129u);
  const auto first = load<DiskKey>(ByteSpan(reinterpret_cast<const std::byte*>(super.sys_chunk_array), 17));
  CHECK(first.offset == 8 * kMiB);
}

}  // namespace butterfuse::chunk_space_test
