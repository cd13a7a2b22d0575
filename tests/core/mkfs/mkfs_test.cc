// SPDX-License-Identifier: GPL-2.0-or-later
// make_filesystem: what lies where afterwards, in which order it got there, and what is refused.
#include "core/mkfs/mkfs.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "core/device/memory_device.h"
#include "core/device/recording_device.h"
#include "core/device/source_use.h"
#include "core/mkfs/layout.h"
#include "core/mkfs/signature.h"
#include "core/ondisk/format.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::mkfs_test {
namespace {

constexpr uint64_t kMiB = 1 << 20, kGiB = 1 << 30;

DiskSuper super_at(BlockDevice& device, int mirror) {
  DiskSuper super;
  const Status status =
      device.read(super_mirror_offset(mirror), {reinterpret_cast<std::byte*>(&super), sizeof(super)});
  REQUIRE(status);
  return super;
}

std::vector<std::byte> bytes_at(BlockDevice& device, uint64_t offset, size_t size) {
  std::vector<std::byte> bytes(size);
  REQUIRE(device.read(offset, bytes));
  return bytes;
}

}  // namespace

TEST_CASE("all superblock mirrors that fit say the same but for their place") {
  MemoryDevice device(300 * kGiB);
  MkfsOptions options;
  options.label = "three";
  options.uuid = Uuid::parse("01234567-89ab-cdef-0123-456789abcdef");
  const auto summary = make_filesystem(device, options);
  REQUIRE(summary);
  CHECK(summary->fsid == *options.uuid);
  for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
    const DiskSuper super = super_at(device, mirror);
    CHECK(super.magic == kSuperMagic);
    CHECK(super.bytenr == super_mirror_offset(mirror));
    CHECK(std::string(super.label) == "three");
    CHECK(std::equal(std::begin(super.fsid), std::end(super.fsid), options.uuid->bytes.begin()));
    CHECK(super.total_bytes == 300 * kGiB);
  }
}

TEST_CASE("a file system smaller than its device leaves no old superblock behind it") {
  MemoryDevice device(kGiB);
  MkfsOptions options;
  options.discard = false;
  REQUIRE(make_filesystem(device, options));
  CHECK(super_at(device, 1).magic == kSuperMagic);
  options.metadata = MkfsProfile::single;
  options.byte_count = 50 * kMiB;
  REQUIRE(make_filesystem(device, options));
  CHECK(super_at(device, 0).total_bytes == 50 * kMiB);
  CHECK(super_at(device, 1).magic == 0);
}

TEST_CASE("signatures at both ends of the device are wiped") {
  MemoryDevice device(kGiB);
  const std::vector<std::byte> old(4096, std::byte{0x5A});
  for (uint64_t offset : {uint64_t{0}, uint64_t{1024}, kMiB, kGiB - 4096, kGiB - 2 * kMiB})
    REQUIRE(device.write(offset, old, WriteKind::data));
  MkfsOptions options;
  options.discard = false;
  REQUIRE(make_filesystem(device, options));
  const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
  CHECK(std::ranges::all_of(bytes_at(device, 0, 65536), is_zero));
  CHECK(std::ranges::all_of(bytes_at(device, kGiB - 2 * kMiB, 2 * kMiB), is_zero));
}

TEST_CASE("no superblock is written before all trees are on stable storage") {
  auto trace = std::make_shared<Trace>();
  RecordingDevice device(std::make_shared<MemoryDevice>(kGiB), trace);
  REQUIRE(make_filesystem(device, {}));
  bool flushed = false, super_seen = false;
  for (const TraceEvent& event : trace->events()) {
    if (event.kind == TraceEvent::Kind::flush) flushed = true;
    if (event.kind != TraceEvent::Kind::write) continue;
    if (event.what == WriteKind::super) {
      CHECK(flushed);
      super_seen = true;
    } else {
      CHECK_FALSE(super_seen);
      flushed = false;
    }
  }
  CHECK(super_seen);
  CHECK(trace->events().back().kind == TraceEvent::Kind::flush);
}

TEST_CASE("no tree block lies on a superblock mirror") {
  for (uint32_t nodesize : {4096u, 16384u, 65536u})
    for (uint64_t bytes : {780 * kMiB, 300 * kGiB}) {  // at 780 MiB the second copy starts at the mirror
      Layout layout(MkfsOptions{.nodesize = nodesize}, bytes);
      for (int i = 0; i < 40; ++i) {
        const uint64_t bytenr = layout.take_block(bg::kMetadata, nodesize);
        const PlannedChunk& chunk = layout.chunk_of(bytenr);
        for (const ChunkStripe& stripe : chunk.stripes)
          for (int mirror = 0; mirror < kSuperMirrors; ++mirror) {
            const ByteRange block = ByteRange::at(stripe.physical + (bytenr - chunk.start), nodesize);
            CHECK_FALSE(block.overlaps(ByteRange::at(super_mirror_offset(mirror), kStripeLen)));
          }
      }
    }
  Layout layout({}, 780 * kMiB);
  const uint64_t first = layout.take_block(bg::kMetadata, 16384);
  CHECK(first == layout.chunk_of(first).start + kStripeLen);
}

TEST_CASE("a device that is too small is refused with the size that would do") {
  MemoryDevice device(100 * kMiB);
  const auto made = make_filesystem(device, {});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ENOSPC);
  CHECK(made.error().message.find("114294784") != std::string::npos);
}

TEST_CASE("options that cannot be are refused before a byte is written") {
  auto trace = std::make_shared<Trace>();
  RecordingDevice device(std::make_shared<MemoryDevice>(kGiB), trace);
  const auto refused = [&](auto change) {
    MkfsOptions options;
    change(options);
    const auto made = make_filesystem(device, options);
    return !made && trace->size() == 0;
  };
  CHECK(refused([](MkfsOptions& it) { it.nodesize = 12345; }));
  CHECK(refused([](MkfsOptions& it) { it.nodesize = 2048; }));
  CHECK(refused([](MkfsOptions& it) { it.nodesize = 131072; }));
  CHECK(refused([](MkfsOptions& it) { it.sectorsize = 8192; }));
  CHECK(refused([](MkfsOptions& it) { it.label = std::string(256, 'x'); }));
  CHECK(refused([](MkfsOptions& it) { it.label = "two\nlines"; }));
  CHECK(refused([](MkfsOptions& it) { it.byte_count = 2 * kGiB; }));
  CHECK(refused([](MkfsOptions& it) { it.uuid = Uuid{}; }));
  CHECK(refused([](MkfsOptions& it) { it.features.no_holes = false; }));
  CHECK(refused([](MkfsOptions& it) { it.features.free_space_tree = false; }));
}

TEST_CASE("feature lists turn features on and off by the names of mkfs.btrfs") {
  MkfsFeatures features;
  REQUIRE(apply_feature_list("^bgt,^no-holes,extref", features));
  CHECK_FALSE(features.block_group_tree);
  CHECK_FALSE(features.no_holes);
  CHECK(features.free_space_tree);
  REQUIRE(apply_feature_list("no-holes,block-group-tree", features));
  CHECK(features.block_group_tree);
  CHECK_FALSE(apply_feature_list("warp-drive", features));
  CHECK_FALSE(apply_feature_list("raid56", features));
  CHECK_FALSE(apply_feature_list("^extref", features));
}

TEST_CASE("the block group tree goes with what it needs unless it was asked for") {
  MkfsFeatures features;
  REQUIRE(apply_feature_list("^free-space-tree", features));
  CHECK_FALSE(features.block_group_tree);
  features = {};
  REQUIRE(apply_feature_list("bgt,^free-space-tree", features));
  CHECK(features.block_group_tree);  // and check_mkfs_options will say that it cannot be
}

TEST_CASE("an existing file system is seen, a blank image has no signature") {
  const TempDir dir;
  const std::string image = dir / "image";
  make_sparse_file(image, 256 * kMiB);
  auto blank = existing_signature(image);
  REQUIRE(blank);
  CHECK_FALSE(*blank);
  {
    auto device = open_file_device(image, OpenOptions{});
    REQUIRE(device);
    REQUIRE(make_filesystem(**device, {}));
  }
  auto made = existing_signature(image);
  REQUIRE(made);
  CHECK(*made == "btrfs file system");
  CHECK_FALSE(existing_signature(dir / "missing"));
  CHECK_FALSE(find_source_use(image));
}

TEST_CASE("a sparse image stays sparse") {
  const TempDir dir;
  const std::string image = dir / "image";
  make_sparse_file(image, 60 * kGiB);
  {
    auto device = open_file_device(image, OpenOptions{});
    REQUIRE(make_filesystem(**device, {}));
  }
  CHECK(allocated_bytes(image) < 2 * kMiB);
}

}  // namespace butterfuse::mkfs_test
