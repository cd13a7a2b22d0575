// SPDX-License-Identifier: GPL-2.0-or-later
// OpenRules: what is cached of an open file, and when close(2) is asked about.
#include "fs/fuse/open_rules.h"

#include <catch2/catch.hpp>

#include "fs/data/fallocate.h"
#include "fs/names/lookup.h"
#include "tests/support/memory_mount.h"

namespace butterfuse::open_rules_test {
namespace {

std::unique_ptr<OpenFile> opened(MemoryMount& memory, const char* name, int flags) {
  Mount& mount = memory.mount();
  return must(open_file(mount, must(lookup_existing(mount, mount.root(), name)), flags, {}));
}

// Until little is left.
void fill(MemoryMount& memory) {
  auto file = memory.create("filler");
  for (uint64_t at = 0; !memory.mount().space_is_low() && at < (256u << 20); at += 16 << 20)
    must(fallocate(memory.mount(), *file->inode, 0, ByteRange::at(at, 16 << 20)));
  REQUIRE(memory.mount().space_is_low());
}

}  // namespace

TEST_CASE("with the kernel's cache a writer reads as well; without it flags stay as they are") {
  MemoryMount plain, caching("writeback_cache");
  for (const int mode : {O_RDONLY, O_WRONLY, O_RDWR}) {
    const int flags = mode | O_APPEND | O_NOATIME;
    CHECK(engine_flags(plain.mount(), flags) == flags);
    CHECK(engine_flags(caching.mount(), flags) ==
          ((mode == O_WRONLY ? O_RDWR : mode) | O_APPEND | O_NOATIME));
  }
}

TEST_CASE("close is asked about only where a shared mapping may have stored something") {
  MemoryMount memory;
  const auto file = memory.create("file");
  CHECK(rules_of_open(memory.mount(), *file, O_RDONLY).noflush);
  CHECK(rules_of_open(memory.mount(), *file, O_WRONLY | O_APPEND).noflush);
  CHECK_FALSE(rules_of_open(memory.mount(), *file, O_RDWR | O_TRUNC).noflush);
}

TEST_CASE("nothing is cached of a file that was append-only when a writer opened it") {
  MemoryMount memory;
  memory.create("file");
  const auto before = opened(memory, "file", O_RDWR);
  before->inode->change([](InodeItem& item) { item.flags |= inode_flag::kAppend; });
  before->inode->mark_dirty();
  const auto writer = opened(memory, "file", O_WRONLY | O_APPEND), reader = opened(memory, "file", O_RDONLY);
  CHECK(rules_of_open(memory.mount(), *writer, O_WRONLY | O_APPEND).direct_io);
  CHECK_FALSE(rules_of_open(memory.mount(), *reader, O_RDONLY).direct_io);
  CHECK_FALSE(rules_of_open(memory.mount(), *before, O_RDWR).direct_io);
}

TEST_CASE("where little space is left the kernel caches no writes that it has promised for itself") {
  MemoryMount plain, caching("writeback_cache");
  const auto file = caching.create("file"), other = plain.create("file");
  CHECK_FALSE(rules_of_open(caching.mount(), *file, O_RDWR).direct_io);
  fill(caching);
  fill(plain);
  CHECK(rules_of_open(caching.mount(), *file, O_RDWR).direct_io);
  CHECK(rules_of_open(caching.mount(), *file, O_WRONLY).direct_io);
  CHECK_FALSE(rules_of_open(caching.mount(), *file, O_RDONLY).direct_io);
  CHECK_FALSE(rules_of_open(plain.mount(), *other, O_RDWR).direct_io);
}

}  // namespace butterfuse::open_rules_test
