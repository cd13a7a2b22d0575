// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes that passed tree_checker are safe to read: real tree blocks with random changes, judged and then
// printed whole. Printing visits every struct and name; under the sanitizers any step outside of the block
// ends the test.
#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "core/device/block_device.h"
#include "core/ondisk/leaf_view.h"
#include "core/ondisk/to_text.h"
#include "core/ondisk/tree_checker.h"
#include "core/volume/superblock.h"
#include "tests/support/test_images.h"

namespace butterfuse::mutation_test {
namespace {

struct Specimens {
  DiskSuper super;
  std::vector<std::vector<std::byte>> blocks;
};

// Tree blocks of the image, by fsid.
Specimens collect(const std::string& path) {
  auto device = open_file_device(path, {.mode = OpenMode::read_only});
  REQUIRE(device);
  auto super = read_newest_super(**device);
  REQUIRE(super);
  Specimens found{*super, {}};
  std::vector<std::byte> block(super->nodesize);
  for (uint64_t at = 1 << 20; at + block.size() <= (*device)->size_bytes() && found.blocks.size() < 400;
       at += 4096) {
    REQUIRE((*device)->read(at, MutableByteSpan(block).first(sizeof(DiskHeader))));
    if (std::memcmp(header_of(block).fsid, super->fsid, 16) != 0) continue;
    REQUIRE((*device)->read(at, block));
    if (header_of(block).nritems > 0) found.blocks.push_back(block);
  }
  return found;
}

// Of eight blows one hits the header, three the item headers, and four any byte.
void mutate(std::vector<std::byte>& block, std::mt19937_64& random) {
  const DiskHeader header = load<DiskHeader>(block);
  const int blows = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < blows; ++i) {
    size_t at;
    const uint64_t where = random() % 8;
    if (where == 0) {
      at = random() % sizeof(DiskHeader);
    } else if (where < 4) {
      const size_t items = std::min<size_t>(header.nritems, 600) * sizeof(DiskItem);
      at = sizeof(DiskHeader) + random() % std::max<size_t>(items, 1);
    } else {
      at = random() % block.size();
    }
    static constexpr uint8_t kValues[] = {0, 1, 0x7f, 0x80, 0xff};
    const uint64_t choice = random() % 8;
    const uint8_t value = choice < 5 ? kValues[choice] : static_cast<uint8_t>(random());
    block[std::min(at, block.size() - 1)] = std::byte{value};
  }
}

}  // namespace

TEST_CASE("tree blocks with random damage are refused or can be read safely") {
  std::mt19937_64 random(42);
  size_t accepted = 0, rounds = 0;
  for (const char* name :
       {"subvols", "qgroups", "old-format", "comp-mixed", "log-both", "cache-fst-bitmap"}) {
    if (golden_dir().empty()) return;
    UnpackedImage image = UnpackedImage::golden(name);
    Specimens specimens = collect(image.devices()[0]);
    REQUIRE_FALSE(specimens.blocks.empty());
    TreeCheckContext context;
    context.nodesize = specimens.super.nodesize;
    context.sectorsize = specimens.super.sectorsize;
    context.incompat = specimens.super.incompat_flags;
    context.total_bytes = specimens.super.total_bytes;
    context.generation = ~uint64_t{0};
    context.csum_size = 4;
    for (int round = 0; round < 1500; ++round, ++rounds) {
      // A copy of exactly the block's size, so that the sanitizer sees the first byte behind it.
      std::vector<std::byte> block = specimens.blocks[random() % specimens.blocks.size()];
      mutate(block, random);
      for (TreeCheckDepth depth : {TreeCheckDepth::full, TreeCheckDepth::structure}) {
        context.depth = depth;
        if (!check_tree_block(context, block)) continue;
        ++accepted;
        CHECK_FALSE(tree_block_to_text(block, specimens.super).empty());
      }
    }
  }
  WARN(rounds << " damaged blocks, " << accepted << " times accepted and printed");
}

}  // namespace butterfuse::mutation_test
