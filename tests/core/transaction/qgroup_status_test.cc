// SPDX-License-Identifier: GPL-2.0-or-later
// What a change of ours leaves of the quota groups' status: numbers that nobody takes for right.
#include <catch2/catch.hpp>

#include "core/device/block_device.h"
#include "core/ondisk/qgroup_items.h"
#include "core/transaction/filesystem.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/mkfs_image.h"
#include "tests/support/run_command.h"

namespace butterfuse::qgroup_status_test {
namespace {

constexpr uint64_t kOn = qgroup_status::kOn, kRescan = qgroup_status::kRescan,
                   kInconsistent = qgroup_status::kInconsistent;
constexpr Key kStatusKey{0, key_type::kQgroupStatus, 0};

std::unique_ptr<Filesystem> open(const std::string& path, bool quotas_are_right) {
  FilesystemOptions options;
  options.commit_interval_s = 0;
  options.quotas_are_right = quotas_are_right;
  return must(Filesystem::open(must(open_file_device(path, {})), options));
}

void set_status(const std::string& path, uint64_t flags, uint64_t rescan) {
  auto filesystem = open(path, true);
  {
    auto handle = must(filesystem->begin(2));
    WriteCursor cursor(*filesystem->quota_tree(), handle);
    REQUIRE(must(cursor.seek(kStatusKey)));
    auto status = cursor.as<DiskQgroupStatus>();
    status.flags = flags;
    status.rescan = rescan;
    must(cursor.replace(status));
  }
  must(filesystem->close());
}

uint64_t flags_after_a_change(const std::string& path) {
  auto filesystem = open(path, false);
  {
    auto handle = must(filesystem->begin(2));
    WriteCursor cursor(*must(filesystem->subvolume(objectid::kFsTree)), handle);
    REQUIRE(must(cursor.seek({objectid::kFirstFree, key_type::kInodeItem, 0})));
    must(cursor.mutable_data());
  }
  must(filesystem->commit());
  uint64_t flags = 0;
  {
    ReadCursor cursor(*filesystem->quota_tree());
    REQUIRE(must(cursor.seek(kStatusKey)));
    flags = load<DiskQgroupStatus>(cursor.data()).flags;
  }
  must(filesystem->close());
  return flags;
}

}  // namespace

TEST_CASE(
    "a change ends the quota rescan that the kernel would go on with, and leaves its numbers inconsistent") {
  if (!have_btrfs_progs()) return;
  const TempDir directory;
  const std::string path = directory / "image";
  make_sparse_file(path, 256u << 20);
  REQUIRE(run_command({"mkfs.btrfs", "-q", "-R", "quota", path}).ok());
  for (const uint64_t before : {kOn, kOn | kInconsistent, kOn | kRescan, kOn | kRescan | kInconsistent}) {
    INFO(before);
    set_status(path, before, before & kRescan ? 30u << 20 : ~uint64_t{0});
    CHECK(flags_after_a_change(path) == (kOn | kInconsistent));
  }
  set_status(path, kRescan, 0);  // switched off: nothing there counts
  CHECK(flags_after_a_change(path) == kRescan);
}

}  // namespace butterfuse::qgroup_status_test
