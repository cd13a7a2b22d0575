// SPDX-License-Identifier: GPL-2.0-or-later
// The Linux kernel mounts what make_filesystem made, writes to it, and leaves it clean.
#include <catch2/catch.hpp>

#include "core/device/source_use.h"
#include "core/mkfs/mkfs.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/kernel_mount.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::mkfs_kernel_test {
namespace {

constexpr uint64_t kMiB = 1 << 20, kGiB = 1 << 30;

void make_and_use(const MkfsOptions& options, uint64_t bytes) {
  const TempDir dir;
  const std::string image = dir / "image", mount_point = dir / "mnt";
  make_sparse_file(image, bytes);
  {
    auto device = open_file_device(image, OpenOptions{});
    REQUIRE(device);
    REQUIRE(make_filesystem(**device, options));
  }
  {
    const KernelMount mount(image, mount_point);
    REQUIRE(mount.mounted());
    const auto use = find_source_use(image);
    REQUIRE(use);
    CHECK(use->text.find("is mounted at " + mount_point + " (btrfs, through /dev/loop") == 0);
    CHECK(run_command({"cp", "-a", "/etc", mount_point + "/copy"}).ok());
    CHECK(run_command({"diff", "-r", "--no-dereference", "/etc", mount_point + "/copy"}).ok());
    CHECK(run_command({"dd", "if=/dev/urandom", "of=" + mount_point + "/big", "bs=1M", "count=12"}).ok());
    if (have_btrfs_progs())
      CHECK(run_command({"btrfs", "subvolume", "snapshot", mount_point, mount_point + "/snap"}).ok());
  }
  CHECK_FALSE(find_source_use(image));
  CHECK(btrfs_check(image) == "");
}

}  // namespace

TEST_CASE("the kernel mounts, fills and leaves clean what was made here") {
  if (!kernel_can_mount()) return;
  SECTION("with all defaults") { make_and_use({}, kGiB); }
  SECTION("at the minimum size") { make_and_use({}, minimum_device_bytes({})); }
  SECTION("with small nodes and single metadata") {
    make_and_use({.nodesize = 4096, .metadata = MkfsProfile::single}, 256 * kMiB);
  }
  SECTION("with the largest nodes and all DUP") {
    make_and_use({.nodesize = 65536, .data = MkfsProfile::dup}, kGiB);
  }
  SECTION("with three superblocks") { make_and_use({}, 300 * kGiB); }
  SECTION("where the second metadata copy starts at a superblock") { make_and_use({}, 780 * kMiB); }
  SECTION("without any feature that can be left out") {
    make_and_use({.features = {false, false, false}}, kGiB);
  }
  SECTION("with sha256") { make_and_use({.csum = CsumType::sha256}, kGiB); }
}

}  // namespace butterfuse::mkfs_kernel_test
