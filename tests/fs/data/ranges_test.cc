// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges of files: preallocated, punched, zeroed and shared, against a model of bytes.
#include <linux/falloc.h>

#include <catch2/catch.hpp>
#include <random>

#include "core/items/file_extent.h"
#include "fs/control/inode_flags.h"
#include "fs/data/copy_range.h"
#include "fs/data/fallocate.h"
#include "fs/data/set_attr.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::ranges_test {
namespace {

constexpr uint64_t kFileBytes = 600'000;

// Two files and what they should hold; steps of all kinds in any order.
class RangeModel {
 public:
  RangeModel(TestMount& test, uint32_t seed) : test_(test), random_(seed) {}

  void step() {
    const int a = pick(2), b = pick(2);
    const uint64_t offset = position(), length = position() / 4 + 1;
    switch (pick(8)) {
      case 0:
      case 1:
        return write(a, offset, length);
      case 2:
        return resize(a, offset);
      case 3:
        return allocate(a, 0, offset, length);
      case 4:
        return allocate(a, FALLOC_FL_KEEP_SIZE, offset, length);
      case 5:
        return clear(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
      case 6:
        return clear(a, FALLOC_FL_ZERO_RANGE | (pick(2) ? FALLOC_FL_KEEP_SIZE : 0), offset, length);
      default:
        return copy(a, offset, b, position(), length);
    }
  }
  void flush() {
    for (int i = 0; i < 2; ++i) must(file(i)->data().flush({0, UINT64_MAX}, true));
  }
  bool agrees() {
    for (int i = 0; i < 2; ++i)
      if (test_.read(*file(i)) != want_[i]) return false;
    return true;
  }

 private:
  InodePtr file(int index) { return test_.get(test_.root(), index == 0 ? "a" : "b"); }
  int pick(int count) { return static_cast<int>(random_() % static_cast<uint32_t>(count)); }
  uint64_t position() {
    const uint64_t at = random_() % kFileBytes;
    return pick(2) ? round_down(at, kSectorSize) : at;
  }
  void grow(int index, uint64_t size) {
    if (want_[index].size() < size) want_[index].resize(size);
  }

  void write(int index, uint64_t offset, uint64_t length) {
    const std::string text(length, static_cast<char>('a' + pick(26)));
    test_.write(*file(index), offset, text);
    grow(index, offset + length);
    want_[index].replace(offset, length, text);
  }
  void resize(int index, uint64_t size) {
    AttrChange change;
    change.size = size;
    must(set_attr(test_.mount(), *file(index), change));
    want_[index].resize(size);
  }
  void allocate(int index, int mode, uint64_t offset, uint64_t length) {
    must(fallocate(test_.mount(), *file(index), mode, ByteRange::at(offset, length)));
    if (mode == 0) grow(index, offset + length);
  }
  void clear(int index, int mode, uint64_t offset, uint64_t length) {
    must(fallocate(test_.mount(), *file(index), mode, ByteRange::at(offset, length)));
    if (!(mode & FALLOC_FL_KEEP_SIZE)) grow(index, offset + length);
    const uint64_t end = std::min<uint64_t>(want_[index].size(), offset + length);
    if (offset < end) want_[index].replace(offset, end - offset, end - offset, '\0');
  }
  void copy(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t length) {
    if (pick(2)) to_offset = round_down(to_offset, kSectorSize) + from_offset % kSectorSize;
    if (from == to && ByteRange::at(from_offset, length).overlaps(ByteRange::at(to_offset, length))) return;
    auto source = file(from), target = file(to);
    const uint64_t copied =
        must(copy_range(test_.mount(), {*source, from_offset, *target, to_offset, length}));
    const uint64_t size = want_[from].size();
    CHECK(copied == (from_offset < size ? std::min(length, size - from_offset) : 0));
    if (copied == 0) return;
    const std::string text = want_[from].substr(from_offset, copied);
    grow(to, to_offset + copied);
    want_[to].replace(to_offset, copied, text);
  }

  TestMount& test_;
  std::mt19937 random_;
  std::string want_[2];
};

void run_model(const char* options, const char* features, bool nodatacow, uint32_t seed) {
  TestMount test(options, {"-O", features});
  for (const char* name : {"a", "b"}) {
    auto file = test.create(test.root(), name);
    if (nodatacow) must(set_fs_flags(test.mount(), *file, 0x00800000));  // FS_NOCOW_FL
  }
  RangeModel model(test, seed);
  for (int i = 1; i <= 300; ++i) {
    model.step();
    if (i % 7 == 0) model.flush();
    if (i % 50 == 0) {
      INFO(options << " " << features << " nodatacow " << nodatacow << " seed " << seed << " step " << i);
      REQUIRE(model.agrees());
      test.remount(options);
      REQUIRE(model.agrees());
    }
  }
  CHECK(test.close_and_check() == "");
}

uint64_t first_bytenr(Inode& inode) {
  return must(list_file_extents(inode.tree(), inode.ino(), {0, 1})).front().disk_bytenr;
}

}  // namespace

TEST_CASE("preallocating, punching, zeroing and sharing ranges keeps every byte right") {
  if (!have_btrfs_progs()) return;
  uint32_t seed = 1;
  for (const char* features : {"no-holes", "^no-holes"})
    for (const char* options : {"", "compress=zstd"})
      for (bool nodatacow : {false, true}) run_model(options, features, nodatacow, seed++);
}

TEST_CASE("a copy of whole sectors shares the extent, and changing it does not change the original") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto original = test.create(test.root(), "original"), copy = test.create(test.root(), "copy");
  test.write(*original, 0, std::string(100'000, 'o'));
  CHECK(must(copy_range(test.mount(), {*original, 0, *copy, 0, 1'000'000})) == 100'000);
  CHECK(first_bytenr(*copy) == first_bytenr(*original));
  test.write(*copy, 50'000, "changed");
  must(copy->data().flush({0, UINT64_MAX}, true));
  CHECK(test.read(*original) == std::string(100'000, 'o'));
  original.reset();
  copy.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a shared range before dirty pages leaves no gap in front of it") {
  if (!have_btrfs_progs()) return;
  TestMount test("", {"-O", "^no-holes"});
  auto source = test.create(test.root(), "source"), file = test.create(test.root(), "file");
  test.write(*source, 0, std::string(8192, 's'));
  test.write(*file, 0, std::string(4096, 'f'));
  must(file->data().flush({0, UINT64_MAX}, true));
  test.write(*file, 65536, "dirty");  // the size covers what no item does
  CHECK(must(copy_range(test.mount(), {*source, 0, *file, 57344, 8192})) == 8192);
  source.reset(), file.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a hole that growing makes an inline extent is not shared with another place in its file") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  AttrChange change;
  change.size = 1;
  must(set_attr(test.mount(), *file, change));
  CHECK(must(copy_range(test.mount(), {*file, 0, *file, 12288, 1})) == 1);
  must(test.mount().sync());
  CHECK(test.read(*file) == std::string(12289, '\0'));
  file.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("space preallocated behind the size leaves no gap in front of it") {
  if (!have_btrfs_progs()) return;
  TestMount test("clear_cache", {"-O", "^no-holes"});  // after mkfs 6.2, whose free space tree is not clean
  auto file = test.create(test.root(), "file");
  test.write(*file, 0, "text");
  must(fallocate(test.mount(), *file, FALLOC_FL_KEEP_SIZE, {65536, 131072}));
  file.reset();
  CHECK(test.close_and_count_errors() == 0);
}

TEST_CASE("preallocated space and nodatacow files are written where they lie, shared ones are not") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file"), nodatacow = test.create(test.root(), "nodatacow");
  must(fallocate(test.mount(), *file, 0, {0, 1 << 20}));
  const uint64_t preallocated = first_bytenr(*file);
  test.write(*file, 0, std::string(8192, 'p'));
  must(file->data().flush({0, UINT64_MAX}, true));
  CHECK(first_bytenr(*file) == preallocated);
  test.write(*file, 0, std::string(8192, 'q'));  // written once in place: from now on copy-on-write
  must(file->data().flush({0, UINT64_MAX}, true));
  CHECK(first_bytenr(*file) != preallocated);

  must(set_fs_flags(test.mount(), *nodatacow, 0x00800000));
  test.write(*nodatacow, 0, std::string(100'000, 'n'));
  must(nodatacow->data().flush({0, UINT64_MAX}, true));
  const uint64_t first = first_bytenr(*nodatacow);
  test.write(*nodatacow, 0, std::string(100'000, 'm'));
  must(nodatacow->data().flush({0, UINT64_MAX}, true));
  CHECK(first_bytenr(*nodatacow) == first);
  auto twin = test.create(test.root(), "twin");
  must(set_fs_flags(test.mount(), *twin, 0x00800000));
  CHECK(must(copy_range(test.mount(), {*nodatacow, 0, *twin, 0, 100'000})) == 100'000);
  test.write(*nodatacow, 0, std::string(100'000, 'o'));
  must(nodatacow->data().flush({0, UINT64_MAX}, true));
  CHECK(first_bytenr(*nodatacow) != first);
  CHECK(test.read(*twin) == std::string(100'000, 'm'));
  file.reset(), nodatacow.reset(), twin.reset();
  CHECK(test.close_and_check() == "");
}

}  // namespace butterfuse::ranges_test
