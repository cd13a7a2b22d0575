// SPDX-License-Identifier: GPL-2.0-or-later
// Device statistics: a bad copy is read around, brought back and counted, and the count outlives the mount.
#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "core/check/checker.h"
#include "core/device/memory_device.h"
#include "core/device/shared_device.h"
#include "core/mkfs/mkfs.h"
#include "fs/data/file.h"
#include "fs/names/create.h"
#include "fs/names/lookup.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::device_stats_test {
namespace {

constexpr uint64_t kDeviceBytes = 256u << 20;

struct Mirrors {
  std::vector<std::shared_ptr<MemoryDevice>> disks{std::make_shared<MemoryDevice>(kDeviceBytes),
                                                   std::make_shared<MemoryDevice>(kDeviceBytes)};
  Mirrors() {
    MkfsOptions options;
    options.metadata = options.data = MkfsProfile::raid1;
    must(make_filesystem({disks[0].get(), disks[1].get()}, options));
  }
  BlockDevices devices() const {
    BlockDevices opened;
    for (const auto& disk : disks) opened.push_back(std::make_unique<SharedDevice>(disk));
    return opened;
  }
  std::unique_ptr<Mount> mount() const { return must(Mount::open(devices(), {})); }
};

std::string read_back(Mount& mount, const char* name) {
  auto file = must(open_file(mount, must(lookup_existing(mount, mount.root(), name)), O_RDONLY, {}));
  std::string text;
  must(read_file(mount, *file, 0, 1 << 20, [&](const std::vector<ByteSpan>& pieces) {
    for (const ByteSpan piece : pieces) text += as_text(piece);
  }));
  return text;
}

}  // namespace

TEST_CASE("corruption that was read around is counted for good") {
  const Mirrors mirrors;
  const std::string text(40'000, 't');
  {
    auto mount = mirrors.mount();
    NewInode what;
    what.mode = S_IFREG | 0644;
    auto file = must(open_file(*mount, must(create(*mount, mount->root(), "file", what, {})), O_RDWR, {}));
    WriteRequest request;
    request.pieces.push_back(as_bytes(text));
    must(write_file(*mount, *file, request, {}));
    file.reset();
    must(mount->close());
  }
  // Every page of the first device that holds nothing but this text is spoilt.
  const std::string page(4096, 't'), garbage(4096, '?');
  uint64_t spoilt = 0;
  std::vector<uint64_t> places;
  must(mirrors.disks[0]->for_each_page([&](uint64_t offset, ByteSpan bytes) -> Status {
    if (as_text(bytes) == page) places.push_back(offset);
    return {};
  }));
  for (const uint64_t place : places) {
    must(mirrors.disks[0]->write(place, as_bytes(garbage), WriteKind::data));
    ++spoilt;
  }
  REQUIRE(spoilt > 0);

  DeviceTotals totals;
  {
    auto mount = mirrors.mount();
    CHECK(read_back(*mount, "file") == text);
    totals = mount->filesystem().volume().member(1)->totals();
    CHECK(totals.corruption > 0);
    CHECK(totals.write == 0);
    must(mount->close());
  }
  CHECK(must(check_filesystem(mirrors.devices(), {.data_csums = true})).bad_copies == 0);
  {
    auto mount = mirrors.mount();
    CHECK(mount->filesystem().volume().member(1)->totals() == totals);
    CHECK(mount->filesystem().volume().member(2)->totals() == DeviceTotals{});
    mount->filesystem().volume().member(1)->set_totals({});
    must(mount->close());
  }
  auto mount = mirrors.mount();
  CHECK(mount->filesystem().volume().member(1)->totals() == DeviceTotals{});
}

}  // namespace butterfuse::device_stats_test
