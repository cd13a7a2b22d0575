// SPDX-License-Identifier: GPL-2.0-or-later
// tree_checker against everything real: every tree block on any device of any golden image, live or stale.
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <set>

#include "core/base/checksum.h"
#include "core/device/block_device.h"
#include "core/ondisk/leaf_view.h"
#include "core/ondisk/to_text.h"
#include "core/ondisk/tree_checker.h"
#include "core/volume/superblock.h"
#include "tests/support/test_images.h"

namespace butterfuse::scan_test {
namespace {

// Ranges of the file that are no holes.
std::vector<std::pair<uint64_t, uint64_t>> data_ranges(const std::string& path) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  int fd = ::open(path.c_str(), O_RDONLY);
  off_t end = ::lseek(fd, 0, SEEK_END);
  for (off_t at = 0; at < end;) {
    off_t start = ::lseek(fd, at, SEEK_DATA);
    if (start < 0) break;
    at = ::lseek(fd, start, SEEK_HOLE);
    ranges.emplace_back(start, at);
  }
  ::close(fd);
  return ranges;
}

TreeCheckContext context_of(const DiskSuper& super) {
  TreeCheckContext context;
  context.nodesize = super.nodesize;
  context.sectorsize = super.sectorsize;
  context.incompat = super.incompat_flags;
  context.total_bytes = super.total_bytes;
  context.generation = super.generation + 1;  // log trees, and what a crash left of the next transaction
  context.csum_size = csum_size(static_cast<CsumType>(uint16_t{super.csum_type}));
  return context;
}

bool is_tree_block(const DiskSuper& super, ByteSpan block) {
  const bool has_metadata_uuid = super.incompat_flags & incompat::kMetadataUuid;
  const uint8_t* fsid = has_metadata_uuid ? super.metadata_uuid : super.fsid;
  if (std::memcmp(header_of(block).fsid, fsid, 16) != 0) return false;
  auto type = static_cast<CsumType>(uint16_t{super.csum_type});
  CsumValue csum = checksum(type, block.subspan(32));
  return std::memcmp(csum.data(), header_of(block).csum, csum_size(type)) == 0;
}

// Superblocks carry fsid and checksum where tree blocks do, and mkfs leaves the empty fs tree it began with.
bool is_for_the_checker(ByteSpan block) {
  const auto super = load<DiskSuper>(block);
  if (super.magic == kSuperMagic) return false;
  const DiskHeader& header = header_of(block);
  return header.nritems > 0 || header.generation > 1 || header.owner != objectid::kFsTree;
}

struct ScanResult {
  size_t blocks = 0, items = 0;
  std::set<std::string> refusals;
};

void scan_device(const std::string& path, ScanResult& result) {
  auto opened = open_file_device(path, {.mode = OpenMode::read_only});
  REQUIRE(opened);
  BlockDevice& device = **opened;
  auto super = read_newest_super(device);
  if (!super) return;  // one device of a damaged set
  const TreeCheckContext context = context_of(*super);
  std::vector<std::byte> block(super->nodesize);
  for (auto [start, end] : data_ranges(path)) {
    for (uint64_t at = start / 4096 * 4096; at < end && at + block.size() <= device.size_bytes();
         at += 4096) {
      REQUIRE(device.read(at, MutableByteSpan(block).first(sizeof(DiskHeader))));
      if (std::memcmp(header_of(block).fsid, super->fsid, 16) != 0 &&
          std::memcmp(header_of(block).fsid, super->metadata_uuid, 16) != 0)
        continue;
      REQUIRE(device.read(at, block));
      if (!is_tree_block(*super, block) || !is_for_the_checker(block)) continue;
      ++result.blocks;
      result.items += header_of(block).nritems;
      Status status = check_tree_block(context, block);
      if (!status) {
        result.refusals.insert(status.error().message);
      } else if (result.blocks % 8 == 0) {
        CHECK_FALSE(tree_block_to_text(block, *super).empty());
      }
    }
  }
}

void check_image(const std::string& name, const UnpackedImage& image, ScanResult& total) {
  ScanResult result;
  for (const std::string& device : image.devices()) scan_device(device, result);
  total.blocks += result.blocks;
  total.items += result.items;
  for (const std::string& refusal : result.refusals) {
    INFO(name);
    FAIL_CHECK(refusal);
  }
}

}  // namespace

TEST_CASE("tree_checker accepts every tree block of every golden image") {
  ScanResult total;
  for (const std::string& name : golden_names()) check_image(name, UnpackedImage::golden(name), total);
  WARN("golden: " << total.blocks << " tree blocks, " << total.items << " items or pointers");
}

TEST_CASE("tree_checker accepts every tree block of the healthy images that others made") {
  ScanResult total;
  for (const char* folder : {"fsck", "thirdparty"})
    for (const std::string& name : corpus_names(folder))
      if (is_healthy_corpus_image(name)) check_image(name, UnpackedImage::corpus(name), total);
  WARN("corpus: " << total.blocks << " tree blocks, " << total.items << " items or pointers");
}

}  // namespace butterfuse::scan_test
