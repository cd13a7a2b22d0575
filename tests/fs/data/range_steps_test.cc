// SPDX-License-Identifier: GPL-2.0-or-later
// Range operations: at each commit between, and without space, a file is as it was or as it should be.
#include <linux/falloc.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "core/items/file_extent.h"
#include "fs/control/inode_flags.h"
#include "fs/data/copy_range.h"
#include "fs/data/fallocate.h"
#include "tests/support/memory_mount.h"

namespace butterfuse::range_steps_test {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr int kCommits = 8;              // that came while a test's operation ran
constexpr uint32_t kNoCow = 0x00800000;  // FS_NOCOW_FL

// Commits all the time, and looks at what each commit will have of one file.
class CommitWatch final : public CommitHook {
 public:
  CommitWatch(Mount& mount, Inode& inode) : mount_(mount), tree_(inode.tree()), ino_(inode.ino()) {
    mount_.filesystem().set_commit_hook(this);
    thread_ = std::thread([this] {
      while (!stop_) (void)mount_.filesystem().commit();
    });
  }
  ~CommitWatch() override {
    stop_ = true;
    thread_.join();
    mount_.filesystem().set_commit_hook(&mount_);
  }
  void prepare_commit() override { mount_.prepare_commit(); }
  Status before_commit(TransactionHandle& handle) override {
    BF_TRY(mount_.before_commit(handle));
    BF_ASSIGN(const InodeItem item, read_inode_item(tree_, ino_));
    ++commits_;
    return for_each_file_extent(tree_, ino_, {0, item.size}, [&](const FileExtent& extent) {
      if (extent.kind == ExtentKind::hole && extent.start < item.size) ++holes_;
      return true;
    });
  }
  int commits() const { return commits_; }
  int holes() const { return holes_; }
  // Until enough commits have come meanwhile: those before and between do not count, for the thread may be
  // far ahead.
  template <class Operation>
  void repeat(Operation operation) {
    for (int meanwhile = 0; meanwhile < kCommits;) {
      const int before = commits_;
      operation();
      meanwhile += commits_ - before;
    }
  }

 private:
  Mount& mount_;
  Tree& tree_;
  const uint64_t ino_;
  std::atomic<bool> stop_{false};
  std::atomic<int> commits_{0}, holes_{0};
  std::thread thread_;
};

// Of many extents.
std::unique_ptr<OpenFile> file_of(MemoryMount& test, const std::string& name, uint64_t bytes, char content) {
  auto file = test.create(name);
  for (uint64_t at = 0; at < bytes; at += kMiB) test.write(*file, at, std::string(kMiB, content));
  must(sync_file(test.mount(), *file));
  return file;
}

std::vector<Reservation> take_space(Mount& mount, SpaceClass space, uint64_t but) {
  must(mount.sync());
  Allocator& allocator = mount.filesystem().allocator();
  std::vector<Reservation> taken;
  const Reservation kept = must(allocator.reserve(space, but));
  for (uint64_t bytes = 64 * kMiB; bytes >= 4096;) {
    auto promise = allocator.reserve(space, bytes);
    if (promise) {
      taken.push_back(std::move(*promise));
    } else {
      bytes /= 2;
    }
  }
  return taken;
}

}  // namespace

TEST_CASE("while a range is copied over data, each commit finds old or new extents and never a hole") {
  MemoryMount test("compress-force=zstd");
  const auto source = file_of(test, "source", 24 * kMiB, 's'),
             target = file_of(test, "target", 24 * kMiB, 't');
  {
    CommitWatch watch(test.mount(), *target->inode);
    watch.repeat([&] {
      CHECK(must(copy_range(test.mount(), {*source->inode, 0, *target->inode, 0, 24 * kMiB})) == 24 * kMiB);
    });
    CHECK(watch.holes() == 0);
  }
  CHECK(test.read(*target, 0, kMiB) == std::string(kMiB, 's'));
}

TEST_CASE("while a copy makes a file longer, its size on disk covers only extents that are there") {
  MemoryMount test("compress-force=zstd");
  const auto source = file_of(test, "source", 24 * kMiB, 's');
  int commits = 0;
  for (int i = 0; commits < kCommits; ++i) {
    const auto target = test.create("target" + std::to_string(i));
    CommitWatch watch(test.mount(), *target->inode);
    CHECK(must(copy_range(test.mount(), {*source->inode, 0, *target->inode, 0, 24 * kMiB})) == 24 * kMiB);
    CHECK(watch.holes() == 0);
    commits += watch.commits();
  }
}

TEST_CASE("while a range is zeroed, each commit finds data or preallocated space and never a hole") {
  MemoryMount test("compress-force=zstd");
  const auto file = file_of(test, "file", 24 * kMiB, 'f');
  {
    CommitWatch watch(test.mount(), *file->inode);
    char content = 'a';
    watch.repeat([&] {
      test.write(*file, 0, std::string(24 * kMiB, content++));
      must(fallocate(test.mount(), *file->inode, FALLOC_FL_ZERO_RANGE, {0, 24 * kMiB}));
    });
    CHECK(watch.holes() == 0);
  }
  CHECK(test.read(*file, kMiB, kMiB) == std::string(kMiB, '\0'));
}

TEST_CASE("zeroing a range that finds no data space changes nothing, also at its edges") {
  MemoryMount test;
  const auto file = file_of(test, "file", 4 * kMiB, 'f');
  const auto taken = take_space(test.mount(), SpaceClass::data, 0);
  RangeProgress progress;
  const Status status =
      fallocate(test.mount(), *file->inode, FALLOC_FL_ZERO_RANGE, {1000, 3 * kMiB + 100}, progress, {});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ENOSPC);
  CHECK(progress.changed.empty());
  file->inode->data().drop_clean_pages();
  CHECK(test.read(*file, 0, 4 * kMiB) == std::string(4 * kMiB, 'f'));
}

// One page would be there.
TEST_CASE("punching a hole with two edges where there is space for one changes nothing") {
  MemoryMount test;
  const auto file = file_of(test, "file", kMiB, 'f');
  const auto taken = take_space(test.mount(), SpaceClass::data, 4096);
  const Status status =
      fallocate(test.mount(), *file->inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, {1000, 500'000});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ENOSPC);
  CHECK(test.read(*file, 0, kMiB) == std::string(kMiB, 'f'));
}

TEST_CASE("a copy of bytes that runs out of space tells how many it has copied, or that it did nothing") {
  MemoryMount test;
  const auto source = file_of(test, "source", 4 * kMiB, 's');
  const auto file = test.create("file");
  must(set_fs_flags(test.mount(), *file->inode, kNoCow));  // no checksums: nothing is shared
  test.write(*file, 0, std::string(kMiB, 'f'));
  must(sync_file(test.mount(), *file));
  const CopyRequest request{*source->inode, 0, *file->inode, 2 * kMiB, 4 * kMiB};
  {
    const auto taken = take_space(test.mount(), SpaceClass::data, 0);
    const auto copied = copy_range(test.mount(), request);
    REQUIRE_FALSE(copied);
    CHECK(copied.error().code == ENOSPC);
    CHECK(file->inode->data().size() == kMiB);
  }
  const auto taken = take_space(test.mount(), SpaceClass::data, 2 * kMiB);
  const uint64_t copied = must(copy_range(test.mount(), request));
  CHECK(copied > 0);
  CHECK(copied < 4 * kMiB);
  CHECK(file->inode->data().size() == 2 * kMiB + copied);
  CHECK(test.read(*file, 2 * kMiB, 4 * kMiB) == std::string(copied, 's'));
}

TEST_CASE("a write that is wanted whole is not taken in part") {
  MemoryMount test;
  const auto file = file_of(test, "file", kMiB, 'f');
  const auto taken = take_space(test.mount(), SpaceClass::data, 64 << 10);
  const std::string text(128 << 10, 'n');
  WriteRequest request{.offset = 0, .pieces = {as_bytes(text)}};
  request.how_much = HowMuch::all;
  const auto none = write_file(test.mount(), *file, request, {});
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ENOSPC);
  CHECK(test.read(*file, 0, kMiB) == std::string(kMiB, 'f'));
  request.how_much = HowMuch::what_fits;
  const size_t some = must(write_file(test.mount(), *file, request, {}));
  CHECK(some > 0);
  CHECK(some < text.size());
}

// As a power cut between the ends of two writes leaves them: of a file whose size is said to be 0.
TEST_CASE("extents that lie behind the end of a file never come back") {
  const bool nodatacow = GENERATE(false, true);
  MemoryMount test;
  const std::string stale(100'000, 'x');
  InodeKey key;
  {
    const auto file = test.create("file");
    test.write(*file, 0, stale);
    must(sync_file(test.mount(), *file));
    must(test.mount().sync());
    key = file->inode->key();
  }
  test.set_size_on_disk(key.ino, 0);
  const auto source = file_of(test, "source", kMiB, 's');
  const auto file = must(open_file(test.mount(), must(test.mount().inodes().get(key)), O_RDWR, {}));
  REQUIRE(file->inode->data().size() == 0);
  if (nodatacow) {
    must(set_fs_flags(test.mount(), *file->inode, kNoCow));
    test.write(*file, 0, std::string(30'000, 'n'));
    must(sync_file(test.mount(), *file));
    file->inode->data().drop_clean_pages();
    CHECK(test.read(*file, 0, 100'000) == std::string(30'000, 'n'));
  } else {
    CHECK(must(copy_range(test.mount(), {*source->inode, 1, *file->inode, 40'001, 1000})) == 1000);
    CHECK(test.read(*file, 0, 50'000) == std::string(40'001, '\0') + std::string(1000, 's'));
  }
}

}  // namespace butterfuse::range_steps_test
