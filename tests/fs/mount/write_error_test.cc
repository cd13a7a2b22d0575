// SPDX-License-Identifier: GPL-2.0-or-later
// Writes that the device refuses: who is told, and what is left.
#include <catch2/catch.hpp>

#include "fs/data/copy_range.h"
#include "fs/data/set_attr.h"
#include "tests/support/memory_mount.h"

namespace butterfuse::write_error_test {
namespace {

// Its begin is on disk; behind a gap there is more, and the write of that will fail.
std::unique_ptr<OpenFile> file_with_failing_end(MemoryMount& test) {
  auto file = test.create("file");
  test.write(*file, 0, std::string(8192, 'x'));
  must(test.mount().sync());
  test.write(*file, 65536, std::string(8192, 'y'));
  test.fail_next_write();
  return file;
}

}  // namespace

TEST_CASE("a copy of what can't be written fails, and so does the next fsync of the original") {
  MemoryMount test("");
  const auto from = test.create("from"), to = test.create("to");
  test.write(*from, 0, std::string(8192, 'x'));
  test.fail_next_write();
  const auto copied = copy_range(test.mount(), {*from->inode, 0, *to->inode, 0, 8192});
  REQUIRE_FALSE(copied);
  CHECK(copied.error().code == EIO);
  CHECK_FALSE(sync_file(test.mount(), *from));
  CHECK(sync_file(test.mount(), *from));  // told once
}

TEST_CASE("an error of writeback by a commit is told by the next sync") {
  MemoryMount test("flushoncommit,notreelog");
  const auto lost = test.create("lost"), other = test.create("other");
  test.write(*lost, 0, std::string(8192, 'x'));
  test.fail_next_write();
  CHECK(sync_file(test.mount(), *other));
  CHECK_FALSE(test.mount().sync());
  CHECK(test.mount().sync());
}

TEST_CASE("what could not be written leaves a hole with an item where files need one") {
  MemoryMount test("", "^no-holes,^block-group-tree");
  auto file = file_with_failing_end(test);
  CHECK_FALSE(test.mount().sync());
  test.write(*file, 0, "again");  // takes the size along
  must(test.mount().sync());
  file.reset();
  CHECK(test.close_and_count_errors() == 0);
}

TEST_CASE("a file whose last write fails can be resized, and has no gap") {
  MemoryMount test("", "^no-holes,^block-group-tree");
  auto file = file_with_failing_end(test);
  AttrChange change;
  change.size = GENERATE(70'000, 200'000);
  CHECK(set_attr(test.mount(), *file->inode, change));
  CHECK(file->inode->item().size == *change.size);
  CHECK_FALSE(sync_file(test.mount(), *file));  // which tells what resizing did not
  CHECK_FALSE(test.mount().sync());
  must(test.mount().sync());
  file.reset();
  CHECK(test.close_and_count_errors() == 0);
}

}  // namespace butterfuse::write_error_test
