// SPDX-License-Identifier: GPL-2.0-or-later
// Attributes that move beside other work: blocks under writeback, access times; and who may set times.
#include "fs/attributes/attr.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "fs/control/inode_flags.h"
#include "fs/data/fallocate.h"
#include "fs/data/file.h"
#include "fs/data/seek.h"
#include "fs/data/set_attr.h"
#include "fs/inode/clock.h"
#include "tests/support/memory_mount.h"
#include "tests/support/test_mount.h"

namespace butterfuse::attr_test {
namespace {

constexpr uint32_t kAppendFlag = 0x20, kImmutableFlag = 0x10;  // FS_*_FL
constexpr Timespec kOld{978'307'200, 0};

std::string noise(size_t bytes) {
  std::string text(bytes, '\0');
  uint32_t state = 1;
  for (char& byte : text) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

// Counts how often stat shows another number of blocks while the file is written back.
uint64_t wrong_while_flushed(MemoryMount& test, Inode& file, uint64_t bytes) {
  std::atomic<bool> done = false;
  uint64_t wrong = 0;
  std::thread flush([&] {
    must(file.data().flush({0, UINT64_MAX}, true));
    done = true;
  });
  do {
    wrong += static_cast<uint64_t>(get_attr(test.mount(), file).st_blocks) * 512 != bytes;
  } while (!done);
  flush.join();
  return wrong;
}

void age(MemoryMount& test, Inode& inode) {
  AttrChange change;
  change.atime = kOld;
  must(set_attr(test.mount(), inode, change));
}

int code_of(const Status& status) { return status ? 0 : status.error().code; }

}  // namespace

TEST_CASE("st_blocks stands still while a file is written back") {
  const std::string options = GENERATE("", "compress=zstd", "compress-force=zlib", "nodatacow");
  CAPTURE(options);
  MemoryMount test(options);
  auto file = test.create("file");
  const std::string text = noise(256u << 10);
  for (uint64_t at = 0; at < 16u << 20; at += text.size()) test.write(*file, at, text);
  CHECK(wrong_while_flushed(test, *file->inode, 16u << 20) == 0);
  // Half over extents, half over holes.
  for (uint64_t at = 12u << 20; at < 20u << 20; at += 8192) test.write(*file, at, text.substr(0, 4096));
  CHECK(wrong_while_flushed(test, *file->inode, (16u << 20) + (4u << 20) / 2) == 0);
  must(fallocate(test.mount(), *file->inode, FALLOC_FL_KEEP_SIZE, {32u << 20, 36u << 20}));
  for (uint64_t at = 32u << 20; at < 36u << 20; at += text.size()) test.write(*file, at, text);
  CHECK(wrong_while_flushed(test, *file->inode, (16u << 20) + (4u << 20) / 2 + (4u << 20)) == 0);
  file.reset();
  CHECK(test.close_and_count_errors() == 0);
}

TEST_CASE("a reader finds the new access time as soon as he has the bytes") {
  MemoryMount test("strictatime");
  auto file = test.create("file");
  test.write(*file, 0, "text");
  age(test, *file->inode);
  Timespec seen;
  must(read_file(test.mount(), *file, 0, 4, [&](const std::vector<ByteSpan>&) {
    seen = file->inode->item().atime;  // the answer goes out here
  }));
  CHECK(seen.sec > kOld.sec);
}

TEST_CASE("who opens with O_NOATIME leaves no access time") {
  MemoryMount test("strictatime");
  auto file = test.create("file");
  test.write(*file, 0, "text");
  age(test, *file->inode);
  auto silent = must(
      open_file(test.mount(), must(test.mount().inodes().get(file->inode->key())), O_RDONLY | O_NOATIME, {}));
  test.read(*silent, 0, 4);
  CHECK(file->inode->item().atime == kOld);
  test.read(*file, 0, 4);
  CHECK(file->inode->item().atime.sec > kOld.sec);
}

TEST_CASE("the times of an append-only file can be set to now, and to nothing else") {
  MemoryMount test;
  auto file = test.create("file");
  Inode& inode = *file->inode;
  AttrChange touch;
  touch.atime = touch.mtime = current_time();
  touch.times_are_now = true;
  AttrChange other = touch, with_mode = touch;
  other.times_are_now = false;
  with_mode.mode = 0600;
  must(set_fs_flags(test.mount(), inode, kAppendFlag));
  CHECK(code_of(set_attr(test.mount(), inode, touch)) == 0);
  CHECK(code_of(set_attr(test.mount(), inode, other)) == EPERM);
  CHECK(code_of(set_attr(test.mount(), inode, with_mode)) == EPERM);
  must(set_fs_flags(test.mount(), inode, kImmutableFlag));
  CHECK(code_of(set_attr(test.mount(), inode, touch)) == EPERM);
}

TEST_CASE("what an append-only file has stays as it is, but for who opened it before") {
  MemoryMount test;
  auto before = test.create("file");
  test.write(*before, 0, std::string(5000, 'o'));
  const auto code = [&](OpenFile& file, uint64_t offset, bool from_kernel_cache) {
    const WriteRequest request{
        .offset = offset, .pieces = {as_bytes("new")}, .from_kernel_cache = from_kernel_cache};
    const auto written = write_file(test.mount(), file, request, {});
    return written ? 0 : written.error().code;
  };
  const auto open = [&] {
    auto pin = must(test.mount().inodes().get(before->inode->key()));
    return must(open_file(test.mount(), std::move(pin), O_RDWR | O_APPEND, {}));
  };
  auto appending_before = open();
  must(set_fs_flags(test.mount(), *before->inode, kAppendFlag));
  auto file = open();
  CHECK(file->only_appends);
  CHECK_FALSE(appending_before->only_appends);
  for (OpenFile* appending : {file.get(), appending_before.get()}) {
    CHECK(code(*appending, 0, false) == EPERM);
    CHECK(code(*appending, before->inode->data().size() - 1, false) == EPERM);
    CHECK(code(*appending, before->inode->data().size(), false) == 0);
  }
  CHECK(test.read(*before, 0, 5006) == std::string(5000, 'o') + "newnew");
  CHECK(code(*before, 0, false) == 0);  // as in the kernel
  CHECK(code(*file, 0, true) == 0);     // whoever stored it: it may have been one of those
  before.reset(), appending_before.reset();
  CHECK(code(*file, 0, true) == EIO);
}

TEST_CASE("truncating to the same size drops what is preallocated behind the end") {
  MemoryMount test;
  auto file = test.create("file");
  test.write(*file, 0, std::string(8192, 'x'));
  must(fallocate(test.mount(), *file->inode, FALLOC_FL_KEEP_SIZE, {8192, 4u << 20}));
  AttrChange change;
  change.size = 8192;
  must(set_attr(test.mount(), *file->inode, change));
  CHECK(get_attr(test.mount(), *file->inode).st_blocks == 16);
  CHECK(test.read(*file, 0, 8192) == std::string(8192, 'x'));
  file.reset();
  CHECK(test.close_and_count_errors() == 0);
}

TEST_CASE("where the kernel may know of more bytes all of a file is data") {
  MemoryMount test;
  auto file = test.create("file");
  test.write(*file, 1u << 20, "end");
  CHECK(must(seek_data(test.mount(), *file->inode, 5)) == 1u << 20);
  CHECK(must(seek_data(test.mount(), *file->inode, 5, SeekKnowledge::not_of_stores)) == 5);
  CHECK(must(seek_hole(test.mount(), *file->inode, 5, SeekKnowledge::not_of_stores)) == (1u << 20) + 3);
  CHECK(seek_data(test.mount(), *file->inode, 2u << 20, SeekKnowledge::not_of_stores).error().code == ENXIO);
}
TEST_CASE("after a shutdown fsync tells of an error, and so does everything that would change something") {
  MemoryMount test;
  auto file = test.create("file");
  test.write(*file, 0, "text");
  must(sync_file(test.mount(), *file));
  test.write(*file, 0, "more");
  test.mount().shut_down();
  CHECK(code_of(sync_file(test.mount(), *file)) == EIO);
  CHECK(code_of(sync_file(test.mount(), *file)) == EIO);
  CHECK(code_of(test.mount().make_durable(test.mount().root())) == EIO);
  CHECK(test.try_write(*file, 0, "x").error().code == EIO);
  CHECK(test.try_create("other").error().code == EIO);
  WriteRequest of_kernel{.offset = 0, .pieces = {as_bytes(std::string_view("x"))}, .from_kernel_cache = true};
  CHECK(write_file(test.mount(), *file, of_kernel, {}).error().code == EIO);
}

}  // namespace butterfuse::attr_test
