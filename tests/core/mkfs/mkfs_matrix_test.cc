// SPDX-License-Identifier: GPL-2.0-or-later
// make_filesystem in every combination one can ask for: btrfs check and our own volume find each sound.
#include <catch2/catch.hpp>

#include "core/mkfs/mkfs.h"
#include "core/volume/volume.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::mkfs_matrix_test {
namespace {

constexpr uint64_t kMiB = 1 << 20, kGiB = 1 << 30;
constexpr MkfsFeatures kFeatureSets[] = {{true, true, true},
                                         {false, true, true},
                                         {false, false, true},
                                         {false, true, false},
                                         {false, false, false}};

std::string describe(const MkfsOptions& options, uint64_t bytes) {
  return fmt::format("{} bytes, nodes {}, metadata {}, data {}, csum {}, bgt {} fst {} no-holes {}", bytes,
                     options.nodesize, profile_name(options.metadata), profile_name(options.data),
                     csum_name(options.csum), options.features.block_group_tree,
                     options.features.free_space_tree, options.features.no_holes);
}

void make_and_judge(const MkfsOptions& options, uint64_t bytes) {
  INFO(describe(options, bytes));
  const TempDir dir;
  const std::string image = dir / "image";
  make_sparse_file(image, bytes);
  {
    auto device = open_file_device(image, OpenOptions{});
    REQUIRE(device);
    const auto summary = make_filesystem(**device, options);
    if (!summary) FAIL(summary.error().message);
    CHECK(summary->total_bytes == bytes / 4096 * 4096);
  }
  CHECK(btrfs_check(image) == "");
  auto device = open_file_device(image, OpenOptions{.mode = OpenMode::read_only});
  REQUIRE(device);
  const auto volume = Volume::open(std::move(*device));
  if (!volume) FAIL(volume.error().message);
  CHECK((*volume)->nodesize() == options.nodesize);
}

}  // namespace

TEST_CASE("every node size, profile and feature set makes a clean file system") {
  const uint64_t sizes[] = {256 * kMiB, kGiB, 60 * kGiB};
  size_t turn = 0;
  for (uint32_t nodesize : {4096u, 8192u, 16384u, 32768u, 65536u})
    for (MkfsProfile metadata : {MkfsProfile::single, MkfsProfile::dup})
      for (MkfsProfile data : {MkfsProfile::single, MkfsProfile::dup})
        for (const MkfsFeatures& features : kFeatureSets) {
          MkfsOptions options;
          options.nodesize = nodesize, options.metadata = metadata, options.data = data,
          options.features = features;
          make_and_judge(options, sizes[turn++ % std::size(sizes)]);
        }
}

TEST_CASE("every size from the minimum to one with all three superblocks makes a clean file system") {
  for (MkfsProfile metadata : {MkfsProfile::single, MkfsProfile::dup})
    for (MkfsProfile data : {MkfsProfile::single, MkfsProfile::dup}) {
      MkfsOptions options;
      options.metadata = metadata, options.data = data;
      for (uint64_t bytes : {minimum_device_bytes(options), minimum_device_bytes(options) + 4095, 780 * kMiB,
                             300 * kGiB, 10000 * kGiB})
        make_and_judge(options, bytes);
    }
}

TEST_CASE("every checksum makes a clean file system") {
  for (CsumType csum : {CsumType::crc32c, CsumType::xxhash, CsumType::sha256, CsumType::blake2}) {
    MkfsOptions options;
    options.csum = csum;
    make_and_judge(options, kGiB);
  }
}

}  // namespace butterfuse::mkfs_matrix_test
