// SPDX-License-Identifier: GPL-2.0-or-later
// Whole transactions on real images: what a commit leaves must be clean for btrfs check, and found again.
#include "core/transaction/filesystem.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "core/transaction/super_builder.h"
#include "tests/core/transaction/file_workload.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/test_images.h"

namespace butterfuse::filesystem_test {
namespace {

std::vector<uint64_t> subvolume_ids(Filesystem& filesystem) {
  std::vector<uint64_t> ids{objectid::kFsTree};
  ReadCursor cursor(filesystem.root_tree());
  must(cursor.seek({objectid::kFirstFree, key_type::kRootItem, 0}));
  for (; cursor.valid() && cursor.key().objectid <= objectid::kLastFree; must(cursor.next()))
    if (cursor.key().type == key_type::kRootItem) ids.push_back(cursor.key().objectid);
  return ids;
}

}  // namespace

TEST_CASE("a commit without changes writes nothing") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  const uint64_t before = image.filesystem().last_committed();
  must(image.filesystem().commit());
  { auto handle = must(image.filesystem().begin(1)); }
  must(image.filesystem().commit());
  CHECK(image.filesystem().last_committed() == before);
  CHECK(image.close_and_check() == "");
}

TEST_CASE("files made and removed over many commits leave a clean image") {
  if (!have_btrfs_progs()) return;
  const std::vector<std::vector<std::string>> kinds{{},
                                                    {"-R", "^free-space-tree", "-O", "^no-holes"},
                                                    {"-n", "4096"},
                                                    {"-M"},
                                                    {"-O", "^skinny-metadata"},
                                                    {"--csum", "xxhash", "-m", "single"}};
  for (const auto& arguments : kinds) {
    INFO(fmt::format("mkfs.btrfs {}", fmt::join(arguments, " ")));
    MkfsImage image(arguments);
    {
      FileWorkload workload(image.filesystem(), image.fs_tree(), 1);
      for (int round = 0; round < 10; ++round) {
        workload.steps(60);
        must(image.filesystem().commit());
      }
    }
    image.reopen();
    FileWorkload(image.filesystem(), image.fs_tree(), 2).steps(50);
    CHECK(image.close_and_check() == "");
  }
}

TEST_CASE("images with snapshots and reflinks made by the kernel stay clean when all their trees change") {
  for (const char* name :
       {"subvols", "ext-reflink", "balanced", "bgt", "old-format", "qgroups", "node-16k-deeptree", "mixed-bg",
        "cache-fst-bitmap", "cache-v1", "convert", "no-holes-off"}) {
    if (!have_btrfs_progs() || golden_dir().empty()) return;
    INFO(name);
    const UnpackedImage unpacked = UnpackedImage::golden(name);
    const std::string path = unpacked.devices().at(0);
    for (int session = 0; session < 2; ++session) {
      auto filesystem = open_image(path);
      std::vector<std::unique_ptr<FileWorkload>> workloads;
      for (uint64_t id : subvolume_ids(*filesystem))
        workloads.push_back(
            std::make_unique<FileWorkload>(*filesystem, *must(filesystem->subvolume(id)), id));
      for (int round = 0; round < 4; ++round) {
        for (auto& workload : workloads) workload->steps(12);
        must(filesystem->commit());
      }
      must(filesystem->close());
    }
    CHECK(btrfs_check(path) == "");
  }
}

TEST_CASE("snapshots' trees changed by several threads at once stay consistent") {
  if (!have_btrfs_progs() || golden_dir().empty()) return;
  const UnpackedImage unpacked = UnpackedImage::golden("subvols");
  const std::string path = unpacked.devices().at(0);
  auto filesystem = open_image(path);
  std::vector<std::unique_ptr<FileWorkload>> workloads;
  for (uint64_t id : subvolume_ids(*filesystem))
    workloads.push_back(std::make_unique<FileWorkload>(*filesystem, *must(filesystem->subvolume(id)), id));
  std::vector<std::thread> threads;
  std::atomic<bool> failed{false};
  for (auto& workload : workloads)
    threads.emplace_back([&] {
      try {
        for (int i = 0; i < 40; ++i) {
          workload->step();
          if (i % 20 == 10) must(filesystem->commit());
        }
      } catch (const std::exception& error) {
        failed = true;
        fmt::print("{}\n", error.what());
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK_FALSE(failed);
  must(filesystem->close());
  CHECK(btrfs_check(path) == "");
}

TEST_CASE("the backup roots hold the last four commits") {
  DiskSuper super{};
  super.generation = 5;
  for (uint64_t transid = 6; transid < 12; ++transid) {
    CommitRoots roots;
    roots.transid = transid;
    roots.root = {transid * 4096, transid, 0};
    update_super(super, roots);
    CHECK(super.generation == transid);
  }
  std::set<uint64_t> generations;
  for (const auto& backup : super.super_roots) generations.insert(backup.tree_root_gen);
  CHECK(generations == std::set<uint64_t>{8, 9, 10, 11});
}

TEST_CASE("a superblock without a mirror changes in its first sector only") {
  DiskSuper super{};
  super.generation = 5;
  const DiskSuper before = super;
  CommitRoots roots;
  roots.transid = 6;
  roots.root = {4096, 6, 1}, roots.chunk = {8192, 6, 0};
  roots.bytes_used = 12345;
  roots.uuid_tree_current = roots.lone_supers = true;
  update_super(super, roots);
  CHECK(super.generation == 6);
  const ByteSpan was = object_bytes(before), is = object_bytes(super);
  CHECK(std::ranges::equal(was.subspan(512), is.subspan(512)));
}

TEST_CASE("an aborted transaction is never committed and the file system is read-only from then on") {
  if (!have_btrfs_progs()) return;
  MkfsImage image;
  auto& filesystem = image.filesystem();
  FileWorkload workload(filesystem, image.fs_tree(), 3);
  workload.steps(20);
  must(filesystem.commit());
  const uint64_t before = filesystem.last_committed();
  workload.steps(20);
  must(filesystem.begin(1)).abort({EIO, "made up"});
  CHECK(filesystem.commit().error().code == EROFS);
  CHECK(filesystem.begin(1).error().code == EROFS);
  CHECK(filesystem.read_only());
  CHECK(filesystem.last_committed() == before);
  CHECK_FALSE(filesystem.close());
}

TEST_CASE(
    "what an image must not be written with is refused in one line, and can still be opened read-only") {
  if (golden_dir().empty()) return;
  const UnpackedImage unpacked = UnpackedImage::golden("log-data");
  const std::string path = unpacked.devices().at(0);
  auto device = must(open_file_device(path, {}));
  auto opened = Filesystem::open(std::move(device), {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == EROFS);
  CHECK(opened.error().message.find("-o ro") != std::string::npos);
  device = must(open_file_device(path, {.mode = OpenMode::read_only}));
  auto read_only = must(Filesystem::open(std::move(device), {.read_only = true}));
  CHECK(read_only->begin(1).error().code == EROFS);
  must(read_only->close());
}

}  // namespace butterfuse::filesystem_test
