// SPDX-License-Identifier: GPL-2.0-or-later
// OpenFiles: handles that last until they are released, and files that outlast them while they are kept.
#include "fs/fuse/open_files.h"

#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "fs/names/unlink.h"
#include "tests/support/memory_mount.h"

namespace butterfuse::open_files_test {
namespace {

// Deleted, or still there for its users.
bool is_gone(MemoryMount& memory, const InodeKey& key) {
  const auto inode = memory.mount().inodes().get(key);
  return !inode && inode.error().code == ENOENT;
}

}  // namespace

TEST_CASE("each open file has a handle of its own, which leads to it") {
  MemoryMount memory;
  OpenFiles files;
  std::set<uint64_t> handles;
  for (int i = 0; i < 50; ++i) {
    auto file = memory.create("file" + std::to_string(i));
    const OpenFile* const address = file.get();
    const uint64_t handle = files.add(std::move(file));
    CHECK(handles.insert(handle).second);
    CHECK(&OpenFiles::of(handle) == address);
    CHECK(OpenFiles::keep(handle).get() == address);
  }
  for (const uint64_t handle : handles) files.release(handle);
}

TEST_CASE("a file that is kept outlives its release, and an unlinked one goes with the last who kept it") {
  MemoryMount memory;
  OpenFiles files;
  auto file = memory.create("file");
  memory.write(*file, 0, "content");
  const InodeKey key = file->inode->key();
  const uint64_t handle = files.add(std::move(file));
  must(unlink(memory.mount(), memory.mount().root(), "file"));
  auto kept = OpenFiles::keep(handle), kept_twice = OpenFiles::keep(handle);
  files.release(handle);
  CHECK(memory.read(*kept, 0, 100) == "content");
  kept.reset();
  CHECK_FALSE(is_gone(memory, key));
  kept_twice.reset();
  CHECK(is_gone(memory, key));
  CHECK(memory.close_and_count_errors() == 0);
}

TEST_CASE("what nobody released ends with the list") {
  MemoryMount memory;
  InodeKey key{};
  {
    OpenFiles files;
    auto file = memory.create("file");
    key = file->inode->key();
    files.add(std::move(file));
    must(unlink(memory.mount(), memory.mount().root(), "file"));
    CHECK_FALSE(is_gone(memory, key));
  }
  CHECK(is_gone(memory, key));
  CHECK(memory.close_and_count_errors() == 0);
}

TEST_CASE("threads open and release beside each other") {
  MemoryMount memory;
  OpenFiles files;
  const auto first = memory.create("file");
  const InodeKey key = first->inode->key();
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int number = 0; number < 4; ++number)
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        auto file = must(open_file(memory.mount(), must(memory.mount().inodes().get(key)), O_RDONLY, {}));
        const OpenFile* const address = file.get();
        const uint64_t handle = files.add(std::move(file));
        if (&OpenFiles::of(handle) != address) ++wrong;
        files.release(handle);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace butterfuse::open_files_test
