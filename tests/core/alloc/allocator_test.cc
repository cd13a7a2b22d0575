// SPDX-License-Identifier: GPL-2.0-or-later
// The allocator under a real file system: promises, pins, chunks that come and go.
#include "core/alloc/allocator.h"

#include <catch2/catch.hpp>
#include <deque>
#include <random>
#include <thread>

#include "core/items/file_extent.h"
#include "core/items/xattr_item.h"
#include "tests/core/alloc/space_audit.h"
#include "tests/core/items/item_files.h"
#include "tests/support/btrfs_check.h"

namespace butterfuse::allocator_test {
namespace {

constexpr uint64_t kSector = 4096;
constexpr uint64_t kMiB = 1 << 20;

// A file without checksums that grows by extents, in the root directory.
class ExtentFile {
 public:
  ExtentFile(MkfsImage& image, uint64_t ino, std::string name)
      : image_(image), ino_(ino), name_(std::move(name)) {
    auto handle = must(fs().begin(10));
    inode_ = new_inode(handle.transid(), S_IFREG | 0644, 1);
    inode_.flags = inode_flag::kNoDataSum;
    add_name(image_.fs_tree(), handle, ino_, name_, ino_);
    must(write_inode_item(image_.fs_tree(), handle, ino_, inode_));
  }

  // Appends up to `bytes` as one extent (at least min_bytes); ENOSPC as write(2) would see it.
  Status append(uint64_t bytes, uint64_t min_bytes) {
    BF_ASSIGN(Reservation promise, fs().allocator().reserve(SpaceClass::data, bytes));
    while (bytes > 0) {
      auto handle = fs().begin(8);
      if (!handle) return tl::unexpected(handle.error());
      const ByteRange disk = must(fs().allocator().alloc_data(bytes, std::min(bytes, min_bytes), 0));
      insert(*handle, disk);
      bytes -= disk.length();
      promise.release(disk.length());
    }
    return {};
  }

  void insert(TransactionHandle& handle, ByteRange disk) {
    FileExtent extent;
    extent.kind = ExtentKind::prealloc;
    extent.start = inode_.size;
    extent.num_bytes = extent.ram_bytes = extent.disk_num_bytes = disk.length();
    extent.disk_bytenr = disk.start;
    extent.generation = handle.transid();
    must(insert_file_extent(image_.fs_tree(), handle, ino_, extent, true));
    inode_.size += disk.length();
    inode_.nbytes += disk.length();
    inode_.transid = handle.transid();
    must(write_inode_item(image_.fs_tree(), handle, ino_, inode_));
  }

  // Frees [start, end) of the file; leaves a hole.
  void punch(uint64_t start, uint64_t end) {
    auto handle = must(fs().begin_freeing(20));
    inode_.nbytes -= must(drop_file_extents(image_.fs_tree(), handle, ino_, {start, end}));
    must(write_inode_item(image_.fs_tree(), handle, ino_, inode_));
  }

  void remove() {
    auto handle = must(fs().begin_freeing(20));
    must(drop_file_extents(image_.fs_tree(), handle, ino_, {0, ~uint64_t{0}}));
    remove_name(image_.fs_tree(), handle, ino_, name_);
    must(remove_inode_item(image_.fs_tree(), handle, ino_));
  }

  uint64_t size() const { return inode_.size; }

 private:
  Filesystem& fs() { return image_.filesystem(); }
  MkfsImage& image_;
  const uint64_t ino_;
  const std::string name_;
  InodeItem inode_;
};

uint64_t device_bytes_of(Filesystem& filesystem, uint64_t type) {
  uint64_t bytes = 0;
  for (const auto& chunk : filesystem.volume().chunks()) {
    if (chunk->type & type) bytes += chunk->length * chunk->stripes.size();
  }
  return bytes;
}

}  // namespace

TEST_CASE("an image can be filled with data to the last of its data space, emptied, and used for metadata") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  Filesystem& filesystem = image.filesystem();
  std::vector<ExtentFile> files;
  uint64_t written = 0;
  Status status;
  while (status && files.size() < 400) {
    files.emplace_back(image, 300 + files.size(), fmt::format("file{}", files.size()));
    status = files.back().append(kMiB, kSector);
    if (status) written += kMiB;
  }
  REQUIRE(status.error().code == ENOSPC);
  const uint64_t total = filesystem.volume().super().total_bytes;
  const uint64_t others = device_bytes_of(filesystem, bg::kMetadata | bg::kSystem);
  WARN("filled " << written / kMiB << " MiB; metadata and system have " << others / kMiB << " of "
                 << total / kMiB);
  CHECK(written >= (total - others) / 100 * 95);
  CHECK(filesystem.allocator().statfs().available < 3 * kMiB);
  must(filesystem.commit());
  CHECK(space_differences(filesystem) == "");

  for (ExtentFile& file : files) file.remove();
  must(filesystem.commit());
  must(filesystem.commit());
  CHECK(space_differences(filesystem) == "");
  CHECK(device_bytes_of(filesystem, bg::kData) <= 64 * kMiB);
  CHECK(filesystem.allocator().statfs().available > written / 10 * 9);
  const uint64_t metadata_before = device_bytes_of(filesystem, bg::kMetadata);
  ExtentFile owner(image, 299, "owner");
  const std::vector<std::byte> value(3000);
  for (int i = 0; i < 16000; i++) {
    auto handle = must(filesystem.begin(4));
    const uint64_t ino = 1000 + i;
    must(write_inode_item(image.fs_tree(), handle, ino, new_inode(handle.transid(), S_IFREG | 0644, 1)));
    must(write_xattr(image.fs_tree(), handle, ino, "user.big", value));
  }
  must(filesystem.commit());
  CHECK(device_bytes_of(filesystem, bg::kMetadata) > metadata_before);
  for (int i = 0; i < 16000; i++) {
    auto handle = must(filesystem.begin_freeing(4));
    must(remove_xattr(image.fs_tree(), handle, 1000 + i, "user.big"));
    must(remove_inode_item(image.fs_tree(), handle, 1000 + i));
  }
  must(filesystem.commit());
  must(filesystem.commit());
  CHECK(space_differences(filesystem) == "");
  CHECK(image.close_and_check() == "");
}

TEST_CASE("metadata that fills the image meets ENOSPC at begin, and deleting then works") {
  if (!have_btrfs_progs()) return;
  MkfsImage image({}, 128ull << 20);
  Filesystem& filesystem = image.filesystem();
  const std::vector<std::byte> value(3000);
  uint64_t count = 0;
  while (true) {
    auto handle = filesystem.begin(4);
    if (!handle) {
      CHECK(handle.error().code == ENOSPC);
      break;
    }
    must(write_inode_item(image.fs_tree(), *handle, 1000 + count,
                          new_inode(handle->transid(), S_IFREG | 0644, 1)));
    must(write_xattr(image.fs_tree(), *handle, 1000 + count, "user.big", value));
    count++;
  }
  WARN(count << " inodes with xattrs, metadata used "
             << filesystem.allocator().numbers(SpaceClass::metadata).used / kMiB << " of "
             << filesystem.allocator().numbers(SpaceClass::metadata).total / kMiB << " MiB");
  must(filesystem.commit());
  CHECK(space_differences(filesystem) == "");
  for (uint64_t i = 0; i < count; i++) {
    auto handle = must(filesystem.begin_freeing(4));
    must(remove_xattr(image.fs_tree(), handle, 1000 + i, "user.big"));
    must(remove_inode_item(image.fs_tree(), handle, 1000 + i));
  }
  must(filesystem.commit());
  CHECK(space_differences(filesystem) == "");
  { must(filesystem.begin(4)); }
  CHECK(image.close_and_check() == "");
}

TEST_CASE("promised data space is always there, down to single sectors, until the image is full") {
  if (!have_btrfs_progs()) return;
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{}, {"-M"}}) {
    MkfsImage image(arguments, 128ull << 20);
    Allocator& allocator = image.filesystem().allocator();
    std::mt19937_64 random(7);
    struct Promise {
      Reservation space;
    };
    std::deque<Promise> promises;
    std::vector<ByteRange> held;
    int refused = 0;
    for (int step = 0; step < 20000 && refused < 300; step++) {
      const uint64_t bytes = (1 + random() % 200) * kSector;
      if (random() % 3 != 0) {
        auto space = allocator.reserve(SpaceClass::data, bytes);
        refused += !space;
        if (space) promises.push_back({std::move(*space)});
        continue;
      }
      if (random() % 4 == 0 && !held.empty()) {
        std::swap(held[random() % held.size()], held.back());
        allocator.release_reserved(held.back());
        held.pop_back();
        continue;
      }
      if (promises.empty()) continue;
      Promise promise = std::move(promises.front());
      promises.pop_front();
      while (promise.space.bytes() > 0) {
        const ByteRange range = must(allocator.alloc_data(promise.space.bytes(), kSector, 0));
        promise.space.release(range.length());
        held.push_back(range);
        // May be refused, must not take what is promised.
        (void)allocator.reserve(SpaceClass::metadata, 1 << 18);
      }
    }
    CHECK(refused == 300);
    while (!promises.empty()) {
      Promise promise = std::move(promises.front());
      promises.pop_front();
      while (promise.space.bytes() > 0) {
        const ByteRange range = must(allocator.alloc_data(promise.space.bytes(), kSector, 0));
        promise.space.release(range.length());
        held.push_back(range);
      }
    }
    CHECK(allocator.numbers(SpaceClass::data).may_use == 0);
    for (const ByteRange& range : held) allocator.release_reserved(range);
    CHECK(allocator.numbers(SpaceClass::data).reserved == 0);
  }
}

TEST_CASE("freed data is not given out again before the commit that frees it") {
  if (!have_btrfs_progs()) return;
  MkfsImage image({}, 128ull << 20);
  Filesystem& filesystem = image.filesystem();
  ExtentFile file(image, 300, "file");
  must(file.append(4 * kMiB, 4 * kMiB));
  must(filesystem.commit());
  const uint64_t used = filesystem.allocator().numbers(SpaceClass::data).used;
  file.punch(0, 4 * kMiB);
  std::vector<ByteRange> all;
  while (auto range = filesystem.allocator().alloc_data(kMiB, kSector, 0)) all.push_back(*range);
  CHECK(filesystem.allocator().numbers(SpaceClass::data).used == used);  // the references have not run
  must(filesystem.commit());
  uint64_t after = 0;
  while (auto range = filesystem.allocator().alloc_data(kMiB, kSector, 0)) {
    after += range->length();
    all.push_back(*range);
  }
  CHECK(after == 4 * kMiB);
  for (const ByteRange& range : all) filesystem.allocator().release_reserved(range);
  CHECK(image.close_and_check() == "");
}

TEST_CASE("a commit is due when more data was taken since the last one than is left, long before none is") {
  if (!have_btrfs_progs()) return;
  MkfsImage image({}, 512ull << 20);
  Filesystem& filesystem = image.filesystem();
  Allocator& allocator = filesystem.allocator();
  std::vector<ByteRange> taken;
  const auto take_until_due = [&] {
    uint64_t bytes = 0;
    while (!allocator.hear_that_commit_is_due()) {
      taken.push_back(must(allocator.alloc_data(kMiB, kMiB, 0)));
      bytes += kMiB;
    }
    return bytes;
  };
  const uint64_t room = allocator.statfs().available;
  const uint64_t first = take_until_due();
  CHECK_FALSE(allocator.hear_that_commit_is_due());  // told once
  CHECK(first > room / 100 * 45);
  CHECK(first < room / 100 * 60);
  auto commit = [&, ino = uint64_t{300}]() mutable {
    const ExtentFile change(image, ino, fmt::format("file{}", ino));
    ++ino;
    must(filesystem.commit());
  };
  commit();
  CHECK_FALSE(allocator.hear_that_commit_is_due());
  const uint64_t second = take_until_due();  // of what is left
  CHECK(second > first / 100 * 40);
  CHECK(second < first / 100 * 60);
  commit();
  {  // what is promised is not left either
    const uint64_t promised = allocator.statfs().available / 4 * 3;
    const Reservation promise = must(allocator.reserve(SpaceClass::data, promised));
    CHECK(take_until_due() < second / 4);
  }
  for (const ByteRange& range : taken) allocator.release_reserved(range);
  CHECK(image.close_and_check() == "");
}

TEST_CASE("consecutive allocations lie one behind the other") {
  if (!have_btrfs_progs()) return;
  MkfsImage image({}, 512ull << 20);
  Allocator& allocator = image.filesystem().allocator();
  (void)must(allocator.reserve(SpaceClass::metadata, 0));
  ByteRange last = must(allocator.alloc_data(128 * kSector, kSector, 0));
  int jumps = 0;
  for (int i = 0; i < 200; i++) {
    const ByteRange next = must(allocator.alloc_data((1 + i % 60) * kSector, kSector, i % 2 ? last.end : 0));
    jumps += next.start != last.end;
    last = next;
  }
  CHECK(jumps <= 4);
  uint64_t block = must(allocator.alloc_tree_block(SpaceClass::metadata));
  for (int i = 0, leaps = 0; i < 100; i++) {
    const uint64_t next = must(allocator.alloc_tree_block(SpaceClass::metadata));
    CHECK(next % image.filesystem().volume().nodesize() == 0);
    leaps += next != block + image.filesystem().volume().nodesize();
    CHECK(leaps <= 10);
    block = next;
  }
}

TEST_CASE("fragmented images keep their free space tree exact through bitmaps and back, over many commits") {
  if (!have_btrfs_progs()) return;
  const std::vector<std::vector<std::string>> kinds{
      {}, {"-M"}, {"-n", "4096", "-m", "single"}, {"-R", "^free-space-tree"}};
  for (const auto& arguments : kinds) {
    INFO(fmt::format("mkfs.btrfs {}", fmt::join(arguments, " ")));
    MkfsImage image(arguments, 200ull << 20);
    std::mt19937_64 random(11);
    uint64_t bitmaps_seen = 0;
    {
      ExtentFile file(image, 300, "file");
      for (int round = 0; round < 12; round++) {
        for (int i = 0; i < 60; i++) must(file.append((1 + random() % 8) * kSector, kSector));
        for (int i = 0; i < 60; i++) {
          const uint64_t start = random() % (file.size() / kSector) * kSector;
          file.punch(start, start + (1 + random() % (round < 8 ? 3 : 400)) * kSector);
        }
        must(image.filesystem().commit());
        REQUIRE(space_differences(image.filesystem()) == "");
        if (Tree* tree = image.filesystem().free_space_tree()) {
          ReadCursor cursor(*tree);
          for (must(cursor.seek({0, 0, 0})); cursor.valid(); must(cursor.next())) {
            bitmaps_seen += cursor.key().type == key_type::kFreeSpaceBitmap;
          }
        }
      }
      if (image.filesystem().free_space_tree()) CHECK(bitmaps_seen > 0);
      image.reopen();
    }
    ExtentFile other(image, 301, "other");
    must(other.append(20 * kMiB, kSector));
    other.remove();
    must(image.filesystem().commit());
    CHECK(space_differences(image.filesystem()) == "");
    CHECK(image.close_and_check() == "");
  }
}

TEST_CASE("threads that allocate, free and commit at once leave every tree exact") {
  if (!have_btrfs_progs()) return;
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{}, {"-R", "^free-space-tree"}}) {
    MkfsImage image(arguments, 200ull << 20);
    std::deque<ExtentFile> files;
    for (uint64_t i = 0; i < 3; i++) files.emplace_back(image, 300 + i, fmt::format("file{}", i));
    must(image.filesystem().commit());
    image.reopen();  // nothing loaded: the threads meet in loading, too
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (ExtentFile& file : files) {
      threads.emplace_back([&file, &failures] {
        std::mt19937_64 random(reinterpret_cast<uintptr_t>(&file));
        try {
          for (int i = 0; i < 150; i++) {
            must(file.append((1 + random() % 40) * kSector, kSector));
            const uint64_t start = random() % (file.size() / kSector) * kSector;
            file.punch(start, start + (1 + random() % 30) * kSector);
          }
        } catch (const std::exception& error) {
          std::fprintf(stderr, "%s\n", error.what());
          failures++;
        }
      });
    }
    for (int i = 0; i < 20; i++) must(image.filesystem().commit());
    for (std::thread& thread : threads) thread.join();
    CHECK(failures == 0);
    must(image.filesystem().commit());
    CHECK(space_differences(image.filesystem()) == "");
    CHECK(image.close_and_check() == "");
  }
}

}  // namespace butterfuse::allocator_test
