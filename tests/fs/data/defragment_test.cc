// SPDX-License-Identifier: GPL-2.0-or-later
// Defragmenting: what is joined, what is compressed, and all that must stay as it is.
#include "fs/data/defragment.h"

#include <linux/falloc.h>

#include <catch2/catch.hpp>

#include "core/items/file_extent.h"
#include "fs/control/inode_flags.h"
#include "fs/data/fallocate.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_mount.h"

namespace butterfuse::defragment_test {
namespace {

constexpr uint32_t kNoCowFlag = 0x00800000;  // FS_NOCOW_FL
constexpr uint64_t kPiece = 64u << 10;

// Where a file's extents lie, and of what kind they are.
struct Place {
  ExtentKind kind;
  uint64_t start, bytes, disk;
  uint8_t compression;
  bool operator==(const Place&) const = default;
};

std::vector<Place> places(Inode& file) {
  must(file.data().flush({0, UINT64_MAX}, true));
  std::vector<Place> result;
  for (const FileExtent& extent : must(list_file_extents(file.tree(), file.ino(), {0, 1u << 30})))
    result.push_back({extent.kind, extent.start, extent.num_bytes, extent.disk_bytenr, extent.compression});
  return result;
}

size_t data_extents(Inode& file) {
  size_t count = 0;
  for (const Place& place : places(file)) count += place.kind != ExtentKind::hole;
  return count;
}

void write_and_flush(TestMount& test, Inode& file, uint64_t offset, const std::string& text) {
  test.write(file, offset, text);
  must(file.data().flush({0, UINT64_MAX}, true));
}

// `count` extents of kPiece side by side, each somewhere else on disk.
std::string fragment(TestMount& test, Inode& file, Inode& between, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    const std::string piece(kPiece, static_cast<char>('a' + i));
    write_and_flush(test, file, all.size(), piece);
    write_and_flush(test, between, all.size(), piece);
    all += piece;
  }
  return all;
}

}  // namespace

TEST_CASE("defragmenting joins short neighbours, once, and changes neither bytes nor times") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file"), between = test.create(test.root(), "between");
  const std::string text = fragment(test, *file, *between, 8);
  REQUIRE(data_extents(*file) == 8);
  const InodeItem before = file->item();
  must(defragment(test.mount(), *file, {}));
  const std::vector<Place> joined = places(*file);
  CHECK(data_extents(*file) == 1);
  CHECK(test.read(*file) == text);
  CHECK(file->item().mtime == before.mtime);
  CHECK(file->item().ctime == before.ctime);
  CHECK(file->item().nbytes == before.nbytes);
  must(defragment(test.mount(), *file, {}));
  CHECK(places(*file) == joined);
  file.reset(), between.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("defragmenting leaves holes, preallocated space and what can't be joined alone") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto sparse = test.create(test.root(), "sparse"), prealloc = test.create(test.root(), "prealloc");
  auto whole = test.create(test.root(), "long");
  write_and_flush(test, *sparse, 0, std::string(4096, 's'));
  write_and_flush(test, *sparse, 200u << 20, std::string(4096, 's'));
  must(fallocate(test.mount(), *prealloc, 0, {0, 1u << 20}));
  write_and_flush(test, *prealloc, 8192, std::string(4096, 'p'));
  write_and_flush(test, *prealloc, 65536, std::string(4096, 'p'));
  write_and_flush(test, *whole, 0, std::string(1u << 20, 'l'));
  write_and_flush(test, *whole, 1u << 20, std::string(4096, 'l'));
  for (const InodePtr* file : {&sparse, &prealloc, &whole}) {
    const std::vector<Place> before = places(**file);
    const uint64_t nbytes = (*file)->item().nbytes;
    must(defragment(test.mount(), **file, {}));
    CHECK(places(**file) == before);
    CHECK((*file)->item().nbytes == nbytes);
  }
  sparse.reset(), prealloc.reset(), whole.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("defragmenting keeps to its range, and a longer threshold takes longer extents") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file"), between = test.create(test.root(), "between");
  fragment(test, *file, *between, 8);
  must(defragment(test.mount(), *file, {.range = {0, 2 * kPiece}}));
  CHECK(data_extents(*file) == 7);
  must(defragment(test.mount(), *file, {.long_enough_bytes = kPiece}));
  CHECK(data_extents(*file) == 7);
  must(defragment(test.mount(), *file, {.long_enough_bytes = 32u << 20}));
  CHECK(data_extents(*file) == 1);
  CHECK(defragment(test.mount(), *file, {.range = {1u << 20, UINT64_MAX}}).error().code == EINVAL);
}

TEST_CASE("a nodatacow file is defragmented, too") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file"), between = test.create(test.root(), "between");
  must(set_fs_flags(test.mount(), *file, kNoCowFlag));
  const std::string text = fragment(test, *file, *between, 4);
  must(defragment(test.mount(), *file, {}));
  CHECK(data_extents(*file) == 1);
  const std::vector<Place> joined = places(*file);
  write_and_flush(test, *file, 0, std::string(4096, 'n'));
  CHECK(places(*file) == joined);  // in place again
  CHECK(test.read(*file) == std::string(4096, 'n') + text.substr(4096));
  file.reset(), between.reset();
  CHECK(test.close_and_check() == "");
}

TEST_CASE("a file that can't be compressed is not written anew because of a codec") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  must(set_fs_flags(test.mount(), *file, kNoCowFlag));
  write_and_flush(test, *file, 0, std::string(1u << 20, 'n'));
  const std::vector<Place> before = places(*file);
  must(defragment(test.mount(), *file, {.codec = compression_type::kZstd}));
  CHECK(places(*file) == before);
  must(set_fs_flags(test.mount(), *file, kNoCowFlag | 0x10));  // chattr +i
  CHECK(defragment(test.mount(), *file, {}).error().code == EPERM);
}

TEST_CASE("defragmenting with a codec compresses all data that is not, once") {
  if (!have_btrfs_progs()) return;
  TestMount test;
  auto file = test.create(test.root(), "file");
  must(fallocate(test.mount(), *file, FALLOC_FL_KEEP_SIZE, {0, 4096}));  // written in place, but for this
  write_and_flush(test, *file, 8192, std::string(1u << 20, 'c'));
  const DefragWish wish{.codec = compression_type::kZstd};
  must(defragment(test.mount(), *file, wish));
  const std::vector<Place> compressed = places(*file);
  for (const Place& place : compressed)
    CHECK((place.kind != ExtentKind::regular || place.compression == compression_type::kZstd));
  must(defragment(test.mount(), *file, wish));
  CHECK(places(*file) == compressed);
  must(defragment(test.mount(), *file, {}));
  CHECK(places(*file) == compressed);
  CHECK(test.read(*file) == std::string(8192, '\0') + std::string(1u << 20, 'c'));
  file.reset();
  CHECK(test.close_and_check() == "");
}

}  // namespace butterfuse::defragment_test
