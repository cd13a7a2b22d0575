// SPDX-License-Identifier: GPL-2.0-or-later
// Power cuts: after every single write the disk holds one whole transaction.
#include <catch2/catch.hpp>

#include "core/device/fault_device.h"
#include "core/device/memory_device.h"
#include "core/device/recording_device.h"
#include "core/device/shared_device.h"
#include "tests/core/transaction/file_workload.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/run_command.h"

namespace butterfuse::crash_test {
namespace {

std::string make_image(const TempDir& directory) {
  const std::string path = directory / "image";
  make_sparse_file(path, 256u << 20);
  REQUIRE(run_command({"mkfs.btrfs", "-q", "-f", path}).ok());
  return path;
}

// Every byte of the device that an extent item of the current trees covers, as ranges start -> end.
std::map<uint64_t, uint64_t> physical_extents(Filesystem& filesystem) {
  std::map<uint64_t, uint64_t> ranges;
  ReadCursor cursor(filesystem.extent_tree());
  must(cursor.seek({}));
  for (; cursor.valid(); must(cursor.next())) {
    const Key key = cursor.key();
    if (key.type != key_type::kExtentItem && key.type != key_type::kMetadataItem) continue;
    const uint64_t length = key.type == key_type::kExtentItem ? key.offset : filesystem.volume().nodesize();
    auto chunk = filesystem.volume().chunk_at(key.objectid);
    REQUIRE(chunk);
    for (const ChunkStripe& stripe : chunk->stripes) {
      const uint64_t start = stripe.physical + (key.objectid - chunk->start);
      ranges[start] = start + length;
    }
  }
  return ranges;
}

bool overlaps(const std::map<uint64_t, uint64_t>& ranges, uint64_t start, uint64_t end) {
  auto behind = ranges.lower_bound(end);
  return behind != ranges.begin() && std::prev(behind)->second > start;
}

std::unique_ptr<BlockDevice> open_device(const std::string& path) { return must(open_file_device(path, {})); }

}  // namespace

TEST_CASE("after each write of several commits the disk holds a clean image of the last commit") {
  if (!have_btrfs_progs()) return;
  TempDir directory;
  const std::string path = make_image(directory);
  auto trace = std::make_shared<Trace>();
  {
    std::shared_ptr<BlockDevice> overlay = std::make_shared<MemoryDevice>(std::shared_ptr(open_device(path)));
    auto filesystem = must(Filesystem::open(std::make_unique<RecordingDevice>(overlay, trace), {}));
    FileWorkload workload(*filesystem, *must(filesystem->subvolume(objectid::kFsTree)), 5);
    for (int round = 0; round < 5; ++round) {
      workload.steps(25);
      must(filesystem->commit());
    }
    must(filesystem->close());
  }
  // The file takes the writes one by one. After each it must open and be clean for btrfs check; but not after
  // all writes of data, which nothing reaches yet: only after the first one behind a superblock.
  auto file = open_device(path);
  size_t checked = 0;
  int since_super = 100;
  for (const TraceEvent& event : trace->events()) {
    if (event.kind != TraceEvent::Kind::write) continue;
    must(file->write(event.offset, event.payload, event.what));
    since_super = event.what == WriteKind::super ? 0 : since_super + 1;
    if (event.what == WriteKind::data && since_super > 1) continue;
    file.reset();
    auto filesystem = Filesystem::open(open_device(path), {.read_only = true});
    if (!filesystem) FAIL(filesystem.error().message);
    filesystem->reset();
    REQUIRE(btrfs_check(path) == "");
    ++checked;
    file = open_device(path);
  }
  CHECK(checked > 20);
}

TEST_CASE("between two commits nothing is written over what the first of them references") {
  if (!have_btrfs_progs()) return;
  TempDir directory;
  const std::string path = make_image(directory);
  auto trace = std::make_shared<Trace>();
  auto recorder = std::make_unique<RecordingDevice>(std::shared_ptr(open_device(path)), trace);
  auto filesystem = must(Filesystem::open(std::move(recorder), {.commit_interval_s = 0}));
  FileWorkload workload(*filesystem, *must(filesystem->subvolume(objectid::kFsTree)), 8);
  size_t writes = 0;
  for (int round = 0; round < 30; ++round) {
    must(filesystem->commit());
    const auto committed = physical_extents(*filesystem);
    trace->clear();
    workload.steps(40);
    must(filesystem->commit());
    for (const TraceEvent& event : trace->events()) {
      if (event.kind != TraceEvent::Kind::write) continue;
      if (event.what == WriteKind::super) break;
      REQUIRE_FALSE(overlaps(committed, event.offset, event.offset + event.length));
      ++writes;
    }
  }
  CHECK(writes > 500);
  must(filesystem->close());
  filesystem.reset();
  CHECK(btrfs_check(path) == "");
}

TEST_CASE("a failed write or flush of a commit is never followed by a superblock") {
  if (!have_btrfs_progs()) return;
  for (FaultOperation operation : {FaultOperation::write, FaultOperation::flush}) {
    for (uint64_t nth = 1;; ++nth) {
      TempDir directory;
      const std::string path = make_image(directory);
      std::shared_ptr<BlockDevice> base(open_device(path));
      auto trace = std::make_shared<Trace>();
      auto recorder = std::make_shared<RecordingDevice>(base, trace);
      auto fault = std::make_shared<FaultDevice>(recorder);
      auto filesystem = must(Filesystem::open(std::make_unique<SharedDevice>(fault), {}));
      FileWorkload workload(*filesystem, *must(filesystem->subvolume(objectid::kFsTree)), 6);
      workload.steps(20);
      trace->clear();
      fault->fail_nth(operation, nth, EIO);
      Status committed = filesystem->commit();
      if (committed) {
        CHECK(nth > 2);
        break;
      }
      CHECK(filesystem->begin(1).error().code == EROFS);
      CHECK_FALSE(filesystem->commit());
      CHECK_FALSE(filesystem->close());
      filesystem.reset(), fault.reset(), recorder.reset(), base.reset();
      REQUIRE(btrfs_check(path) == "");
    }
  }
}

}  // namespace butterfuse::crash_test
