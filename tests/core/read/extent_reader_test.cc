// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentReader: bad copies, bad numbers, odd ranges.
#include "core/read/extent_reader.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "core/csum/csum_tree.h"
#include "core/items/dir_item.h"
#include "core/items/inode_item.h"
#include "core/read/file_read.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::extent_reader_test {
namespace {

constexpr uint64_t kFileBytes = 300'001;  // ends inside a sector

// A file system with one file of kFileBytes, put there by mkfs; DUP data.
class FileInImage {
 public:
  FileInImage() {
    std::mt19937 random(5);
    for (char& c : content_) c = static_cast<char>(random());
    std::ofstream(source_ / "file", std::ios::binary) << content_;
    image_ = std::make_unique<MkfsImage>(
        std::vector<std::string>{"-d", "dup", "-m", "dup", "--rootdir", source_.path()});
    ino_ = must(lookup_dir_entry(tree(), objectid::kFirstFree, "file"))->location.objectid;
  }

  Filesystem& filesystem() { return image_->filesystem(); }
  Tree& tree() { return image_->fs_tree(); }
  uint64_t ino() const { return ino_; }
  const std::string& content() const { return content_; }

  // Spoils one sector of the file on one copy.
  void spoil(uint64_t file_offset, int copy) {
    const FileExtent extent = must(list_file_extents(tree(), ino_, ByteRange::at(file_offset, 1))).front();
    const uint64_t bytenr = extent.disk_bytenr + extent.offset + file_offset - extent.start;
    const auto chunk = filesystem().volume().chunk_at(bytenr);
    REQUIRE(chunk->copies() == 2);
    const uint64_t physical = chunk->stripes[copy].physical + (bytenr - chunk->start);
    const std::vector<std::byte> zeros(512);
    must(filesystem().volume().device().write(physical, zeros, WriteKind::data));
  }

  Status read(ExtentReader& reader, ByteRange range, std::string& into) {
    into.assign(range.length(), '?');
    return reader.read(tree(), ino_, false, range, std::as_writable_bytes(std::span(into)));
  }

 private:
  TempDir source_;
  std::string content_ = std::string(kFileBytes, '\0');
  std::unique_ptr<MkfsImage> image_;
  uint64_t ino_ = 0;
};

FileExtent compressed_extent() {
  FileExtent extent;
  extent.kind = ExtentKind::regular;
  extent.compression = compression_type::kZlib;
  extent.disk_bytenr = 1u << 20;
  extent.disk_num_bytes = 4096;
  extent.ram_bytes = extent.num_bytes = 8192;
  return extent;
}

int read_code(Filesystem& filesystem, const FileExtent& extent) {
  std::vector<std::byte> into(extent.num_bytes);
  std::atomic<uint64_t> errors{0};
  ReadScratch& scratch = ReadScratch::of_this_thread();
  const ReadOrigin origin{.root_id = 5, .ino = 257, .file_offset = 0, .nodatasum = true};
  const Status read =
      FileRead(filesystem, origin, {extent.start, extent.start + into.size()}, into, scratch, errors)
          .run(std::span(&extent, 1));
  return read ? 0 : read.error().code;
}

}  // namespace

TEST_CASE("a sector that is bad in one copy is read from the other and counted") {
  if (!have_btrfs_progs()) return;
  FileInImage file;
  ExtentReader reader(file.filesystem());
  std::string have;
  must(file.read(reader, {0, kFileBytes}, have));
  CHECK(have == file.content());
  CHECK(reader.csum_errors() == 0);
  file.spoil(4096, 0);
  file.spoil(8192, 1);
  file.spoil(round_down(kFileBytes, 4096), 0);
  must(file.read(reader, {0, kFileBytes}, have));
  CHECK(have == file.content());
  CHECK(reader.csum_errors() == 2);
}

TEST_CASE("a sector that is bad in all copies is an error that names it, and harms no other sector") {
  if (!have_btrfs_progs()) return;
  FileInImage file;
  ExtentReader reader(file.filesystem());
  file.spoil(40960, 0);
  file.spoil(40960, 1);
  std::string have;
  const Status read = file.read(reader, {0, kFileBytes}, have);
  REQUIRE(!read.has_value());
  CHECK(read.error().code == EIO);
  CHECK(read.error().message.find("offset 40960") != std::string::npos);
  CHECK(read.error().message.find("crc32c") != std::string::npos);
  must(file.read(reader, {0, 40960}, have));
  CHECK(have == file.content().substr(0, 40960));
  must(file.read(reader, {45056, kFileBytes}, have));
  CHECK(have == file.content().substr(45056));
}

TEST_CASE("a sector without a checksum is an error, unless the inode does without") {
  if (!have_btrfs_progs()) return;
  FileInImage file;
  ExtentReader reader(file.filesystem());
  const FileExtent extent = must(list_file_extents(file.tree(), file.ino(), {8192, 12288})).front();
  const uint64_t bytenr = extent.disk_bytenr + extent.offset + 8192 - extent.start;
  {
    auto handle = must(file.filesystem().begin(20));
    must(delete_csums(file.filesystem().csum_tree(), handle, ByteRange::at(bytenr, 4096), 4096, 4));
  }
  std::string have;
  const Status read = file.read(reader, {0, kFileBytes}, have);
  REQUIRE(!read.has_value());
  CHECK(read.error().code == EIO);
  CHECK(read.error().message.find("no checksum") != std::string::npos);
  must(reader.read(file.tree(), file.ino(), true, {0, kFileBytes}, std::as_writable_bytes(std::span(have))));
  CHECK(have == file.content());
}

TEST_CASE("ranges may end anywhere, and what lies behind the file reads as zeros") {
  if (!have_btrfs_progs()) return;
  FileInImage file;
  ExtentReader reader(file.filesystem());
  std::string have;
  for (const ByteRange range :
       {ByteRange{0, 1}, {4096, 4097}, {4096, 12288}, {8192, 8192}, {4096, kFileBytes - 1}}) {
    must(file.read(reader, range, have));
    CHECK(have == file.content().substr(range.start, range.length()));
  }
  must(file.read(reader, {0, kFileBytes + 100'000}, have));
  CHECK(have == file.content() + std::string(100'000, '\0'));
}

TEST_CASE("impossible numbers in extents are damage, and nothing is allocated or read for them") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  Filesystem& filesystem = image.filesystem();
  FileExtent extent = compressed_extent();
  extent.ram_bytes = 1ull << 40;
  CHECK(read_code(filesystem, extent) == EUCLEAN);
  extent = compressed_extent();
  extent.disk_num_bytes = 1ull << 40;
  CHECK(read_code(filesystem, extent) == EUCLEAN);
  extent = compressed_extent();
  extent.disk_num_bytes = 0;
  CHECK(read_code(filesystem, extent) == EUCLEAN);
  extent = compressed_extent();
  extent.offset = 4096;
  CHECK(read_code(filesystem, extent) == EUCLEAN);
  extent = compressed_extent();
  extent.offset = ~uint64_t{0} - 4095;
  CHECK(read_code(filesystem, extent) == EUCLEAN);
  extent = compressed_extent();
  extent.disk_bytenr = ~uint64_t{0} - 4095;
  CHECK(read_code(filesystem, extent) == EUCLEAN);
  extent = compressed_extent();
  extent.disk_bytenr = 1ull << 50;  // no chunk there
  CHECK(read_code(filesystem, extent) == EUCLEAN);
  extent = compressed_extent();
  extent.compression = compression_type::kNone;
  CHECK(read_code(filesystem, extent) == EUCLEAN);  // num_bytes > disk_num_bytes
  extent.offset = ~uint64_t{0} - 4095;
  CHECK(read_code(filesystem, extent) == EUCLEAN);
}

TEST_CASE("an unknown compression is damage") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  FileExtent extent = compressed_extent();
  extent.compression = 9;
  extent.disk_bytenr = image.filesystem().volume().chunks().front()->start;
  CHECK(read_code(image.filesystem(), extent) == EUCLEAN);
}

}  // namespace butterfuse::extent_reader_test
