// SPDX-License-Identifier: GPL-2.0-or-later
// PREALLOC items that become REG items piece by piece: blocks that are written, references to the extent.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "core/items/file_extent.h"
#include "tests/core/items/item_files.h"
#include "tests/support/btrfs_check.h"

namespace butterfuse::file_extent_written_test {
namespace {

constexpr uint64_t kIno = 300, kBlock = 4096, kBlocks = 64;

ByteRange blocks(uint64_t first, uint64_t end) { return {first * kBlock, end * kBlock}; }

// A file without checksums of one preallocated extent.
void make_file(MkfsImage& image) {
  Filesystem& filesystem = image.filesystem();
  Reservation space = must(filesystem.allocator().reserve(SpaceClass::data, kBlocks * kBlock));
  auto handle = must(filesystem.begin(20));
  const ByteRange disk = must(filesystem.allocator().alloc_data(kBlocks * kBlock, kBlocks * kBlock, 0));
  space.release(disk.length());
  FileExtent extent;
  extent.kind = ExtentKind::prealloc;
  extent.num_bytes = extent.ram_bytes = extent.disk_num_bytes = disk.length();
  extent.disk_bytenr = disk.start;
  must(insert_file_extent(image.fs_tree(), handle, kIno, extent, true));
  InodeItem inode = new_inode(handle.transid(), S_IFREG | 0644, 1);
  inode.size = inode.nbytes = disk.length();
  inode.flags = inode_flag::kNoDataSum | inode_flag::kPrealloc;
  must(write_inode_item(image.fs_tree(), handle, kIno, inode));
  add_name(image.fs_tree(), handle, kIno, "file", 2);
}

// Which blocks are in REG items; all items are of the one extent.
std::vector<bool> written_blocks(Tree& tree) {
  std::vector<bool> written(kBlocks);
  uint64_t disk = 0;
  for (const FileExtent& extent : must(list_file_extents(tree, kIno, blocks(0, kBlocks)))) {
    if (disk == 0) disk = extent.disk_bytenr;
    CHECK(extent.disk_bytenr == disk);
    CHECK(extent.offset == extent.start);
    for (uint64_t block = extent.start / kBlock; block < extent.end() / kBlock; ++block)
      written[block] = extent.kind == ExtentKind::regular;
  }
  return written;
}

}  // namespace

TEST_CASE("preallocated blocks are marked as written in any order, and the image stays clean") {
  if (!have_btrfs_progs()) return;
  const unsigned seed = GENERATE(1u, 2u, 3u, 4u);
  std::mt19937 random(seed);
  MkfsImage image;
  make_file(image);
  std::vector<ByteRange> pieces;
  for (uint64_t block = 0; block < kBlocks;) {
    const uint64_t end = std::min(block + 1 + random() % 4, kBlocks);
    pieces.push_back(blocks(block, end));
    block = end;
  }
  std::shuffle(pieces.begin(), pieces.end(), random);
  std::vector<bool> expected(kBlocks);
  for (const ByteRange piece : pieces) {
    auto handle = must(image.filesystem().begin(10));
    must(mark_extent_written(image.fs_tree(), handle, kIno, piece));
    for (uint64_t block = piece.start / kBlock; block < piece.end / kBlock; ++block) expected[block] = true;
    REQUIRE(written_blocks(image.fs_tree()) == expected);
  }
  const auto whole = must(list_file_extents(image.fs_tree(), kIno, blocks(0, kBlocks)));
  CHECK(whole.size() == 1);
  CHECK(image.close_and_check() == "");
}

TEST_CASE("a written neighbour of another extent stays an item of its own") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  make_file(image);
  {
    // The same extent once more behind itself: its parts do not continue each other.
    auto handle = must(image.filesystem().begin(20));
    FileExtent again = must(list_file_extents(image.fs_tree(), kIno, blocks(0, kBlocks))).front();
    again.start = again.end();
    must(insert_file_extent(image.fs_tree(), handle, kIno, again, false));
    InodeItem inode = must(read_inode_item(image.fs_tree(), kIno));
    inode.size = inode.nbytes = 2 * kBlocks * kBlock;
    must(write_inode_item(image.fs_tree(), handle, kIno, inode));
    must(mark_extent_written(image.fs_tree(), handle, kIno, blocks(kBlocks, kBlocks + 8)));
    must(mark_extent_written(image.fs_tree(), handle, kIno, blocks(kBlocks - 8, kBlocks)));
  }
  CHECK(must(list_file_extents(image.fs_tree(), kIno, blocks(0, 2 * kBlocks))).size() == 4);
  CHECK(image.close_and_check() == "");
}

TEST_CASE("what is not preallocated is not marked") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  make_file(image);
  {
    auto handle = must(image.filesystem().begin(20));
    must(mark_extent_written(image.fs_tree(), handle, kIno, blocks(4, 8)));
  }
  auto handle = must(image.filesystem().begin(20));
  CHECK_FALSE(mark_extent_written(image.fs_tree(), handle, kIno, blocks(6, 10)));
}

}  // namespace butterfuse::file_extent_written_test
