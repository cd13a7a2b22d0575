// SPDX-License-Identifier: GPL-2.0-or-later
// StorageLock: ranges, kinds, and files that lost their name.
#include "core/device/storage_lock.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "core/device/block_device.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::storage_lock_test {
namespace {

constexpr uint64_t kMiB = 1 << 20;

struct LockedImage {
  TempDir dir;
  std::string path = dir / "image";
  std::unique_ptr<BlockDevice> device;
  // The second MiB of four.
  explicit LockedImage(OpenMode mode) {
    make_sparse_file(path, 4 * kMiB);
    auto opened = open_window(path, {.mode = mode, .lock_wait_ms = 0}, {.offset = kMiB, .bytes = kMiB});
    REQUIRE(opened);
    device = std::move(*opened);
  }
  StorageLayer part(uint64_t offset, uint64_t bytes) const {
    return layers_of(path, {.offset = offset, .bytes = bytes}).front();
  }
};

}  // namespace

TEST_CASE("a lock is found by each byte that it covers, and by no other") {
  for (const auto& [mode, kind] : {std::pair{OpenMode::read_write, StorageLock::exclusive},
                                   std::pair{OpenMode::read_only, StorageLock::shared}}) {
    const LockedImage image(mode);
    CHECK(lock_on(image.part(0, 0)) == kind);
    CHECK(lock_on(image.part(kMiB, 1)) == kind);
    CHECK(lock_on(image.part(2 * kMiB - 1, kMiB)) == kind);
    CHECK(lock_on(image.part(0, kMiB)) == StorageLock::none);
    CHECK(lock_on(image.part(2 * kMiB, 0)) == StorageLock::none);
  }
}

TEST_CASE("a process has locked what it says, window and all") {
  const LockedImage image(OpenMode::read_write);
  const auto places = places_locked_by(::getpid());
  const auto overlapping = [&](uint64_t offset, uint64_t bytes) {
    const StoragePlace place = image.part(offset, bytes).place;
    return std::count_if(places.begin(), places.end(),
                         [&](const StoragePlace& one) { return one.overlaps(place); });
  };
  CHECK(overlapping(0, 0) == 1);
  CHECK(overlapping(2 * kMiB - 1, 1) == 1);
  CHECK(overlapping(0, kMiB) == 0);
  CHECK(overlapping(2 * kMiB, 0) == 0);
}

TEST_CASE("the kernel's list has the locks on a file that can't be opened any more") {
  const LockedImage image(OpenMode::read_write);
  StorageLayer inside = image.part(kMiB, kMiB), behind = image.part(2 * kMiB, kMiB);
  inside.name = behind.name = "";
  std::filesystem::remove(image.path);
  CHECK(lock_on(inside) == StorageLock::exclusive);
  CHECK(lock_on(behind) == StorageLock::none);
}

}  // namespace butterfuse::storage_lock_test
