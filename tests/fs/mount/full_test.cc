// SPDX-License-Identifier: GPL-2.0-or-later
// Full file systems: what can't be refused any more still finds its space.
#include <linux/falloc.h>

#include <catch2/catch.hpp>

#include "fs/attributes/xattr.h"
#include "fs/data/copy_range.h"
#include "fs/data/fallocate.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/memory_mount.h"
#include "tests/support/test_mount.h"

namespace butterfuse::full_test {
namespace {

constexpr uint64_t kMiB = 1 << 20;

Status add_attribute(Mount& mount, Inode& inode, const std::string& name) {
  const std::string value(3000, 'v');
  return set_xattr(mount, inode, {.name = name, .value = as_bytes(value)});
}

}  // namespace

// Each of them will copy a leaf in the commit, and nothing was reserved for it.
TEST_CASE("files can be read, and so dirtied, while there is no metadata space left") {
  MemoryMount test("strictatime");
  std::vector<std::unique_ptr<OpenFile>> files;
  Status status;
  while (status) {
    auto made = test.try_create("file" + std::to_string(files.size()));
    if (!made) break;
    files.push_back(std::move(*made));
    for (int i = 0; status && i < 4; ++i)
      status = add_attribute(test.mount(), *files.back()->inode, "user.x" + std::to_string(i));
  }
  must(test.mount().sync());
  REQUIRE(files.size() > 300);
  for (int round = 0; round < 3; ++round) {
    for (const auto& file : files) CHECK(test.read(*file, 0, 1).empty());
    REQUIRE(test.mount().sync());
  }
  CHECK_FALSE(test.mount().filesystem().read_only());
  files.clear();
  CHECK(test.close_and_count_errors() == 0);
}

TEST_CASE(
    "bytes that a full file system took for a preallocated extent survive a reflink of its other part") {
  MemoryMount test;
  const auto kept = test.create("kept");
  must(fallocate(test.mount(), *kept->inode, 0, {0, kMiB}));
  const auto filler = test.create("filler");
  const std::string much(kMiB, 'f');
  uint64_t at = 0;
  while (auto written = test.try_write(*filler, at, much)) at += *written;
  const std::string text(4096, 't');
  test.write(*kept, kMiB / 2, text);
  const auto other = test.create("other");
  must(copy_range(test.mount(), {*kept->inode, 0, *other->inode, 0, 4096}));
  CHECK(sync_file(test.mount(), *kept));
  kept->inode->data().drop_clean_pages();
  CHECK(test.read(*kept, kMiB / 2, 4096) == text);
}

TEST_CASE("where data and metadata are mixed, files can be read while there is no space left") {
  if (!have_btrfs_progs()) return;
  TestMount test("strictatime,commit=3600", {"--mixed"});
  const std::string text(2000, 'i');
  std::vector<std::unique_ptr<OpenFile>> files;
  for (;;) {
    auto made =
        create(test.mount(), test.root(), "file" + std::to_string(files.size()), {.mode = 0100644}, {});
    if (!made) break;
    files.push_back(must(open_file(test.mount(), std::move(*made), O_RDWR, {})));
    const auto written =
        write_file(test.mount(), *files.back(), {.offset = 0, .pieces = {as_bytes(text)}}, {});
    if (!written) break;
  }
  REQUIRE(files.size() > 1000);
  REQUIRE(test.mount().sync());
  for (int round = 0; round < 3; ++round) {
    for (const auto& file : files)
      CHECK(read_file(test.mount(), *file, 0, 1, [](const std::vector<ByteSpan>&) {}));
    REQUIRE(test.mount().sync());
  }
  CHECK_FALSE(test.mount().filesystem().read_only());
  files.clear();
  CHECK(test.close_and_count_errors() == 0);
}

TEST_CASE("while free space is discarded, what was promised of it can be had") {
  MemoryMount test;
  const auto file = test.create("file");
  must(test.mount().sync());
  Allocator& allocator = test.mount().filesystem().allocator();
  const uint64_t free = allocator.statfs().available;
  const uint64_t all = allocator.trim({0, UINT64_MAX}, 1);
  CHECK(all > free / 2);
  std::vector<Reservation> promises;
  for (uint64_t bytes = 64 * kMiB; bytes >= 4096;) {
    auto promise = allocator.reserve(SpaceClass::data, bytes);
    if (promise)
      promises.push_back(std::move(*promise));
    else
      bytes /= 2;
  }
  CHECK(allocator.trim({0, UINT64_MAX}, 1) < all / 2);
}

// It does not look at the answer's size.
TEST_CASE("what the kernel writes back is taken whole or not at all") {
  MemoryMount test;
  const auto filler = test.create("filler");
  const std::string much(kMiB, 'f');
  uint64_t at = 0;
  while (auto written = test.try_write(*filler, at, much)) at += *written;
  must(test.mount().sync());
  must(fallocate(test.mount(), *filler->inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, {0, 128 << 10}));
  must(test.mount().sync());
  const auto file = test.create("file");
  const auto written = write_file(test.mount(), *file,
                                  {.offset = 0, .pieces = {as_bytes(much)}, .from_kernel_cache = true}, {});
  CHECK((!written || *written == much.size()));
  CHECK_FALSE(written);
}

}  // namespace butterfuse::full_test
