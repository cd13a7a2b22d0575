// SPDX-License-Identifier: GPL-2.0-or-later
// File extents against a model: bytes, block kinds, nbytes and references stay right under random surgery.
#include <catch2/catch.hpp>
#include <random>

#include "compress/codec.h"
#include "core/csum/csum_tree.h"
#include "core/items/file_extent.h"
#include "core/read/extent_reader.h"
#include "tests/core/items/item_files.h"
#include "tests/support/btrfs_check.h"

namespace butterfuse::file_extent_model_test {
namespace {

constexpr uint64_t kIno = 300;
constexpr uint64_t kFileMax = 1u << 20;

using Bytes = std::vector<std::byte>;

// One file that is changed only through core/items, beside the bytes it should have.
class ModelledFile {
 public:
  explicit ModelledFile(MkfsImage& image, unsigned seed)
      : image_(image), filesystem_(image.filesystem()), tree_(image.fs_tree()), random_(seed) {
    auto handle = must(filesystem_.begin(20));
    must(write_inode_item(tree_, handle, kIno, new_inode(handle.transid(), S_IFREG | 0644, 1)));
    add_name(tree_, handle, kIno, "file", 2);
  }

  void random_step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return write(random_range(), static_cast<uint8_t>(random_() % 4));
      case 3:
        return punch(random_range());
      case 4:
        return preallocate(random_range());
      case 5:
        return clone();
      case 6:
        return truncate(random_() % (random_() % 4 == 0 ? 6000 : kFileMax));
      default:
        return write_inline();
    }
  }

  // Everything a reader can see, and the running nbytes against a count of the items.
  void check() {
    Bytes have(size_);
    ExtentReader reader(filesystem_);
    must(reader.read(tree_, kIno, false, {0, size_}, have));
    const auto differs = std::mismatch(have.begin(), have.end(), bytes_.begin());
    INFO("first difference at " << differs.first - have.begin() << " of " << size_);
    REQUIRE(differs.first == have.end());
    uint64_t counted = 0, position = 0;
    for (const FileExtent& extent : must(list_file_extents(tree_, kIno, {0, 4 * kFileMax}))) {
      REQUIRE(extent.start == position);
      position = extent.end();
      if (extent.kind != ExtentKind::hole) counted += extent.num_bytes;
    }
    REQUIRE(counted == nbytes_);
  }

  void finish() {
    auto handle = must(filesystem_.begin(20));
    store_inode(handle);
  }
  uint64_t size() const { return size_; }

 private:
  ByteRange random_range() {
    const uint64_t start = random_() % (kFileMax / 4096) * 4096;
    const uint64_t length = (1 + random_() % 40) * 4096;
    return {start, std::min(start + length, kFileMax)};
  }

  Bytes random_bytes(uint64_t length) {
    Bytes bytes(length);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>('a' + random_() % 4);
    return bytes;
  }

  void store_inode(TransactionHandle& handle) {
    InodeItem inode = must(read_inode_item(tree_, kIno));
    inode.size = size_;
    inode.nbytes = nbytes_;
    inode.transid = handle.transid();
    must(write_inode_item(tree_, handle, kIno, inode));
  }

  void drop(TransactionHandle& handle, ByteRange range) {
    nbytes_ -= must(drop_file_extents(tree_, handle, kIno, range));
  }

  // Grows the file; where holes are items the gap needs one.
  void grow(TransactionHandle& handle, ByteRange range) {
    const uint64_t old_end = round_up(size_, 4096);
    if (range.start > old_end) must(insert_hole(tree_, handle, kIno, {old_end, range.start}));
    size_ = std::max(size_, range.end);
  }

  // An inline extent can't have neighbours: the page cache would write it out as a block first.
  void leave_inline() {
    if (!inline_) return;
    inline_ = false;
    write({0, 4096}, 0);
  }

  ByteRange put_on_disk(TransactionHandle& handle, const Bytes& stored) {
    Allocator& allocator = filesystem_.allocator();
    const auto promise = must(allocator.reserve(SpaceClass::data, stored.size()));
    const ByteRange place = must(allocator.alloc_data(stored.size(), stored.size(), 0));
    must(filesystem_.volume().write(place.start, stored, WriteKind::data));
    Bytes csums;
    for (size_t at = 0; at < stored.size(); at += 4096) {
      const CsumValue value = checksum(CsumType::crc32c, ByteSpan(stored).subspan(at, 4096));
      csums.insert(csums.end(), value.begin(), value.begin() + 4);
    }
    must(insert_csums(filesystem_.csum_tree(), handle, place.start, csums, 4096, 4));
    return place;
  }

  static FileExtent extent_of(ExtentKind kind, ByteRange range, ByteRange place) {
    FileExtent extent;
    extent.kind = kind;
    extent.start = range.start;
    extent.num_bytes = extent.ram_bytes = range.length();
    extent.disk_bytenr = place.start;
    extent.disk_num_bytes = place.length();
    return extent;
  }

  // New content for whole blocks; the file's tail block is all data up to size.
  void write(ByteRange range, uint8_t compression) {
    if (range.length() > kMaxCompressedBytes) range.end = range.start + kMaxCompressedBytes;
    leave_inline();
    Bytes content = random_bytes(range.length());
    std::copy(content.begin(), content.end(), bytes_.begin() + static_cast<ptrdiff_t>(range.start));
    rewrite(range, compression);
  }

  // Writes the model's bytes of the range to disk.
  void rewrite(ByteRange range, uint8_t compression) {
    Bytes stored(bytes_.begin() + static_cast<ptrdiff_t>(range.start),
                 bytes_.begin() + static_cast<ptrdiff_t>(range.end));
    if (compression != 0) {
      Bytes packed(stored.size());
      const auto size = must(codec_by_type(compression)->compress(stored, packed, 0));
      if (!size || round_up(*size, 4096) >= stored.size()) {
        compression = 0;
      } else {
        packed.resize(*size);
        packed.resize(round_up(*size, 4096));
        stored = packed;
      }
    }
    auto handle = must(filesystem_.begin(40));
    grow(handle, range);
    drop(handle, range);
    FileExtent extent = extent_of(ExtentKind::regular, range, put_on_disk(handle, stored));
    extent.compression = compression;
    must(insert_file_extent(tree_, handle, kIno, extent, true));
    nbytes_ += range.length();
    store_inode(handle);
  }

  void punch(ByteRange range) {
    range.end = std::min(range.end, round_up(size_, 4096));
    if (range.empty()) return;
    auto handle = must(filesystem_.begin(40));
    if (range.start == 0) inline_ = false;
    drop(handle, range);
    must(insert_hole(tree_, handle, kIno, range));
    std::fill(bytes_.begin() + static_cast<ptrdiff_t>(range.start),
              bytes_.begin() + static_cast<ptrdiff_t>(range.end), std::byte{0});
    store_inode(handle);
  }

  void preallocate(ByteRange range) {
    leave_inline();
    auto handle = must(filesystem_.begin(40));
    Allocator& allocator = filesystem_.allocator();
    const auto promise = must(allocator.reserve(SpaceClass::data, range.length()));
    const ByteRange place = must(allocator.alloc_data(range.length(), range.length(), 0));
    grow(handle, range);
    drop(handle, range);
    must(insert_file_extent(tree_, handle, kIno, extent_of(ExtentKind::prealloc, range, place), true));
    nbytes_ += range.length();
    std::fill(bytes_.begin() + static_cast<ptrdiff_t>(range.start),
              bytes_.begin() + static_cast<ptrdiff_t>(range.end), std::byte{0});
    store_inode(handle);
  }

  // Shows a range's extents a second time elsewhere, as reflink does.
  void clone() {
    leave_inline();
    const ByteRange from = random_range();
    const uint64_t to = random_() % (kFileMax / 4096) * 4096;
    if (from.end > size_ || to + from.length() > kFileMax || from.overlaps(ByteRange::at(to, from.length())))
      return;
    auto handle = must(filesystem_.begin(200));
    const auto extents = must(list_file_extents(tree_, kIno, from));
    grow(handle, ByteRange::at(to, from.length()));
    drop(handle, ByteRange::at(to, from.length()));
    for (FileExtent extent : extents) {
      const ByteRange part = ByteRange{extent.start, extent.end()}.intersection(from);
      const ByteRange target = ByteRange::at(part.start - from.start + to, part.length());
      if (extent.disk_bytenr == 0) {
        must(insert_hole(tree_, handle, kIno, target));
        continue;
      }
      extent.offset += part.start - extent.start;
      extent.start = target.start;
      extent.num_bytes = target.length();
      must(insert_file_extent(tree_, handle, kIno, extent, false));
      nbytes_ += target.length();
    }
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(from.start), from.length(),
                bytes_.begin() + static_cast<ptrdiff_t>(to));
    store_inode(handle);
  }

  void truncate(uint64_t new_size) {
    if (new_size >= size_) return;
    for (uint64_t safe_size = size_;;) {
      auto handle = must(filesystem_.begin_freeing(20));
      const TruncateStep step = must(truncate_file_extents(tree_, handle, kIno, new_size, 1 + random_() % 4));
      REQUIRE(step.new_end >= new_size);
      REQUIRE(step.new_end <= std::max(safe_size, round_up(safe_size, 4096)));
      nbytes_ -= step.nbytes_dropped;
      safe_size = std::min(step.new_end, size_);
      std::fill(bytes_.begin() + static_cast<ptrdiff_t>(safe_size), bytes_.end(), std::byte{0});
      size_ = safe_size;
      store_inode(handle);
      if (step.done) break;
    }
    CHECK(size_ == new_size);
    if (new_size == 0) inline_ = false;
    zero_tail_block();
  }

  // What the page cache does after a truncate: the last block goes out again with zeros behind the end.
  void zero_tail_block() {
    if (size_ % 4096 == 0 || inline_) return;
    const ByteRange block{round_down(size_, 4096), round_up(size_, 4096)};
    const auto extents = must(list_file_extents(tree_, kIno, block));
    if (extents.front().kind != ExtentKind::regular) return;
    const uint64_t size = size_;
    rewrite(block, 0);
    size_ = size;
    auto handle = must(filesystem_.begin(20));
    store_inode(handle);
  }

  // A small file as a whole may live in the tree; nothing else may.
  void write_inline() {
    truncate(random_() % 4000);
    if (size_ == 0 || size_ > 3900) return;
    Bytes content = random_bytes(size_);
    std::copy(content.begin(), content.end(), bytes_.begin());
    FileExtent extent;
    extent.kind = ExtentKind::inline_data;
    extent.num_bytes = extent.ram_bytes = size_;
    extent.compression = static_cast<uint8_t>(random_() % 4);
    extent.data.resize(2 * size_ + 100);
    const auto stored = must(codec_by_type(extent.compression)->compress(content, extent.data, 0));
    extent.data.resize(*stored);
    if (extent.data.size() > max_inline_bytes(filesystem_)) return;
    auto handle = must(filesystem_.begin(20));
    drop(handle, {0, 4096});
    must(insert_file_extent(tree_, handle, kIno, extent, true));
    nbytes_ += size_;
    inline_ = true;
    store_inode(handle);
  }

  MkfsImage& image_;
  Filesystem& filesystem_;
  Tree& tree_;
  std::mt19937 random_;
  Bytes bytes_ = Bytes(2 * kFileMax);  // zero from size_ on
  uint64_t size_ = 0;
  uint64_t nbytes_ = 0;
  bool inline_ = false;
};

}  // namespace

TEST_CASE(
    "random writes, holes, clones, preallocation and truncates keep bytes, nbytes and references right") {
  if (!have_btrfs_progs()) return;
  const auto features = GENERATE(std::vector<std::string>{}, std::vector<std::string>{"-O", "^no-holes"},
                                 std::vector<std::string>{"-n", "4096"});
  const unsigned seed = GENERATE(1u, 2u, 3u);
  MkfsImage image(features);
  {
    ModelledFile file(image, seed);
    for (int step = 0; step < 150; ++step) {
      INFO("seed " << seed << " step " << step);
      file.random_step();
      file.check();
      if (step % 40 == 39) must(image.filesystem().commit());
    }
    file.finish();
  }
  CHECK(image.close_and_check() == "");
}

}  // namespace butterfuse::file_extent_model_test
