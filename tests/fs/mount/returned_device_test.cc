// SPDX-License-Identifier: GPL-2.0-or-later
// A device that was missed comes back: nobody gets its old bytes, not even of files without checksums.
#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "core/check/checker.h"
#include "core/device/fault_device.h"
#include "core/device/memory_device.h"
#include "core/device/shared_device.h"
#include "core/mkfs/mkfs.h"
#include "core/repair/repair.h"
#include "core/volume/superblock.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/names/lookup.h"
#include "fs/options/parse_options.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::returned_device_test {
namespace {

const std::string kBefore(300'000, 'b'), kAfter(300'000, 'a');

struct Mirrors {
  std::vector<std::shared_ptr<MemoryDevice>> disks;
  std::vector<std::shared_ptr<FaultDevice>> faults;  // of the last mount()

  explicit Mirrors(size_t count, MkfsProfile profile) {
    std::vector<BlockDevice*> raw;
    for (size_t i = 0; i < count; ++i) disks.push_back(std::make_shared<MemoryDevice>(256u << 20));
    for (const auto& disk : disks) raw.push_back(disk.get());
    MkfsOptions options;
    options.metadata = options.data = profile;
    must(make_filesystem(raw, options));
  }
  // `without`: the device that is not given, by index.
  std::unique_ptr<Mount> mount(const std::string& text, size_t without = SIZE_MAX) {
    return must(try_mount(text, without));
  }
  Result<std::unique_ptr<Mount>> try_mount(const std::string& text, size_t without = SIZE_MAX) {
    MountOptions options;
    must(parse_mount_options(text + ",commit=3600", options));
    BlockDevices opened;
    faults.clear();
    for (size_t i = 0; i < disks.size(); ++i) {
      faults.push_back(std::make_shared<FaultDevice>(disks[i]));
      if (i != without) opened.push_back(std::make_unique<SharedDevice>(faults.back()));
    }
    return Mount::open(std::move(opened), options);
  }
  BlockDevices all() {
    BlockDevices opened;
    for (const auto& disk : disks) opened.push_back(std::make_unique<SharedDevice>(disk));
    return opened;
  }
  uint64_t root(size_t disk) const { return must(read_super_mirror(*disks[disk], 0)).root; }
  uint64_t generation(size_t disk) const { return must(read_super_mirror(*disks[disk], 0)).generation; }
};

void put(Mount& mount, const char* name, const std::string& text) {
  auto found = must(lookup(mount, mount.root(), name));
  InodePtr inode =
      found ? std::move(*found) : must(create(mount, mount.root(), name, {.mode = S_IFREG | 0644}, {}));
  auto file = must(open_file(mount, std::move(inode), O_RDWR, {}));
  CHECK(must(write_file(mount, *file, {.offset = 0, .pieces = {as_bytes(text)}}, {})) == text.size());
  must(sync_file(mount, *file));
}

std::string get(Mount& mount, const char* name) {
  auto file = must(open_file(mount, must(lookup_existing(mount, mount.root(), name)), O_RDONLY, {}));
  std::string text;
  must(read_file(mount, *file, 0, 1 << 20, [&](const std::vector<ByteSpan>& pieces) {
    for (const ByteSpan piece : pieces) text += as_text(piece);
  }));
  return text;
}

}  // namespace

TEST_CASE("files without checksums are as they were left, mounts after a device came back") {
  struct Shape {
    size_t devices;
    MkfsProfile profile;
    size_t missing;
  };
  for (const Shape shape : {Shape{2, MkfsProfile::raid1, 0}, Shape{2, MkfsProfile::raid1, 1},
                            Shape{3, MkfsProfile::raid1c3, 1}, Shape{4, MkfsProfile::raid10, 2}}) {
    for (const bool fails : {true, false}) {
      INFO(profile_name(shape.profile) << " device " << shape.missing << (fails ? " fails" : " is missing"));
      const size_t other = shape.missing == 0 ? 1 : 0;
      Mirrors mirrors(shape.devices, shape.profile);
      {
        auto mount = mirrors.mount("nodatacow");
        put(*mount, "file", kBefore);
        must(mount->close());
      }
      {
        auto mount = mirrors.mount("degraded,nodatacow", fails ? SIZE_MAX : shape.missing);
        if (fails) mirrors.faults[shape.missing]->fail_nth(FaultOperation::write, 1, EIO, true);
        put(*mount, "file", kAfter);
        CHECK(get(*mount, "file") == kAfter);
        must(mount->close());
      }
      CHECK(mirrors.generation(shape.missing) < mirrors.generation(other));
      for (int again = 0; again < 3; ++again) {
        auto mount = mirrors.mount("");
        CHECK(get(*mount, "file") == kAfter);
        put(*mount, "other", std::to_string(again));
        must(mount->filesystem().commit());  // with the superblocks of all
        must(mount->close());
      }
      CHECK(mirrors.generation(shape.missing) == mirrors.generation(other));
      auto mount = mirrors.mount("ro,degraded", other);  // it has it all
      CHECK(get(*mount, "file") == kAfter);
      must(mount->close());
    }
  }
}

TEST_CASE("a device whose copy could not be brought up to date stays stale") {
  Mirrors mirrors(2, MkfsProfile::raid1);
  {
    auto mount = mirrors.mount("nodatacow");
    put(*mount, "file", kBefore);
    must(mount->close());
  }
  {
    auto mount = mirrors.mount("degraded", 0);
    put(*mount, "file", kAfter);
    must(mount->close());
  }
  const uint64_t generation = mirrors.generation(0);
  {  // its disk takes no writes of data
    MountOptions options;
    must(parse_mount_options("commit=3600", options));
    BlockDevices opened;
    auto fault = std::make_shared<FaultDevice>(mirrors.disks[0]);
    fault->fail_nth(FaultOperation::write, 1, EIO, true);
    opened.push_back(std::make_unique<SharedDevice>(fault));
    opened.push_back(std::make_unique<SharedDevice>(mirrors.disks[1]));
    auto mount = must(Mount::open(std::move(opened), options));
    put(*mount, "other", "text");
    must(mount->close());
  }
  CHECK(mirrors.generation(0) == generation);
  auto mount = mirrors.mount("");
  CHECK(get(*mount, "file") == kAfter);
  must(mount->close());
}

TEST_CASE(
    "two devices that were each written without the other, to the same generation, are not taken for one file system") {
  for (const bool alike : {true, false}) {
    INFO((alike ? "the same work" : "different work"));
    Mirrors mirrors(2, MkfsProfile::raid1);
    {
      auto mount = mirrors.mount("");
      put(*mount, "file", kBefore);
      must(mount->close());
    }
    for (const size_t missing : {1, 0}) {
      auto mount = mirrors.mount("degraded", missing);
      for (int more = 0; !alike && missing == 0 && more < 500; ++more)
        (void)must(create(*mount, mount->root(), fmt::format("more {}", more), {.mode = S_IFREG | 0644}, {}));
      put(*mount, "file", missing == 0 ? kBefore : kAfter);
      must(mount->filesystem().commit());
      must(mount->close());
    }
    REQUIRE(mirrors.generation(0) == mirrors.generation(1));
    CHECK((mirrors.root(0) == mirrors.root(1)) == alike);
    for (const char* options : {"", "ro", "degraded"}) {
      const auto mounted = mirrors.try_mount(options);
      REQUIRE_FALSE(mounted);
      CHECK(mounted.error().message.find("each written without the other") != std::string::npos);
    }
    const auto checked = check_filesystem(mirrors.all(), {});
    CHECK((!checked || checked->errors > 0));
    std::vector<std::shared_ptr<BlockDevice>> disks(mirrors.disks.begin(), mirrors.disks.end());
    const Status repaired = repair::Repair(disks, {}).plan();
    REQUIRE_FALSE(repaired);
    CHECK(repaired.error().message.find("each written without the other") != std::string::npos);
    for (const size_t missing : {1, 0}) {
      auto mount = mirrors.mount("degraded", missing);
      CHECK(get(*mount, "file") == (missing == 0 ? kBefore : kAfter));
      must(mount->close());
    }
  }
}

}  // namespace butterfuse::returned_device_test
