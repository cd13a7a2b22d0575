// SPDX-License-Identifier: GPL-2.0-or-later
// The course of a scrub: which part of a device, where it stops, and where another goes on.
#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/core/scrub/scrub_rig.h"

namespace butterfuse::scrub_course_test {
namespace {

constexpr uint64_t kFileBytes = 3 << 20;

// The device extents of device 1, in order, with whether they hold data.
struct Part {
  ByteRange physical;
  bool is_data = false;
};
std::vector<Part> parts(ScrubRig& rig) {
  std::vector<Part> found;
  ReadCursor cursor(rig.filesystem().dev_tree());
  must(cursor.seek({1, key_type::kDevExtent, 0}));
  while (cursor.valid() && cursor.key().objectid == 1 && cursor.key().type == key_type::kDevExtent) {
    const auto item = cursor.as<DiskDevExtent>();
    const auto chunk = rig.filesystem().volume().chunk_at(item.chunk_offset);
    found.push_back({ByteRange::at(cursor.key().offset, item.length), (chunk->type & bg::kData) != 0});
    must(cursor.next());
  }
  return found;
}

uint64_t last_sector(ScrubRig& rig) { return rig.extents(false).back().end - ScrubRig::kSector; }

}  // namespace

TEST_CASE("a scrub ends behind the last extent of its device, and says so") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  rig.put("file", kFileBytes);
  const auto all = parts(rig);
  REQUIRE(all.size() >= 5);  // system and metadata twice, data once
  const auto [status, progress] = rig.scrub(1);
  CHECK(status);
  CHECK(progress.last_physical == all.back().physical.end);
}

TEST_CASE("of a range only what lies in it is verified") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  rig.put("file", kFileBytes);
  rig.flip(last_sector(rig), 0);
  for (const Part& part : parts(rig)) {
    INFO(part.physical.start);
    const auto [status, progress] = rig.scrub(1, true, part.physical);
    CHECK(status);
    CHECK(progress.data_bytes == (part.is_data ? kFileBytes : 0));
    CHECK(progress.csum_errors == (part.is_data ? 1 : 0));
    CHECK((progress.tree_bytes == 0) == part.is_data);
    CHECK(progress.last_physical == part.physical.end);
  }
  const ScrubProgress nothing = rig.scrub(1, true, {0, 0}).progress;
  CHECK(nothing.data_bytes + nothing.tree_bytes == 0);
}

TEST_CASE("a scrub that was stopped before it began has done nothing, and says where to begin") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  rig.put("file", kFileBytes);
  const uint64_t start = parts(rig)[0].physical.end;
  const auto [status, progress] =
      rig.scrub(1, true, {start, ~uint64_t{0}}, [](Scrub& scrub) { scrub.cancel(); });
  REQUIRE(!status);
  CHECK(status.error().code == ECANCELED);
  CHECK(progress.last_physical == start);
  CHECK(progress.data_bytes + progress.tree_bytes == 0);
}

TEST_CASE("a scrub that was stopped goes on where it was, and together they find all that is bad") {
  ScrubRig rig(2, MkfsProfile::raid1, MkfsProfile::raid1);
  constexpr uint64_t kFiles = 4;  // a batch each
  for (uint64_t number = 0; number < kFiles; ++number) rig.put("file" + std::to_string(number), 1 << 20);
  const uint64_t root = rig.fs_tree_root(), first = rig.extents(false)[0].start, last = last_sector(rig);
  size_t copy = rig.place(root, 0).disk == 0 ? 0 : 1;
  rig.flip(root + 200, copy);
  copy = rig.place(first, 0).disk == 0 ? 0 : 1;
  rig.flip(first, copy);
  rig.flip(last, copy);
  const auto all = parts(rig);
  const auto data = std::find_if(all.begin(), all.end(), [](const Part& part) { return part.is_data; });
  REQUIRE(data != all.end());

  // Stopped while it reads the first byte of data.
  const auto [status, progress] = rig.scrub(1, true, {0, ~uint64_t{0}}, [&](Scrub& scrub) {
    rig.devices[0]->on_read = [&](ByteRange range) {
      if (data->physical.contains(range.start)) scrub.cancel();
    };
  });
  rig.devices[0]->on_read = nullptr;
  REQUIRE(!status);
  CHECK(status.error().code == ECANCELED);
  CHECK(progress.last_physical <= data->physical.start);
  CHECK(progress.data_bytes == 1 << 20);
  CHECK(progress.corrected >= 1);

  const auto [rest_status, rest] = rig.scrub(1, true, {progress.last_physical, ~uint64_t{0}});
  CHECK(rest_status);
  CHECK(rest.last_physical == all.back().physical.end);
  CHECK(rest.data_bytes == kFiles << 20);
  CHECK(progress.corrected + rest.corrected == 3);
  CHECK(progress.uncorrectable + rest.uncorrectable == 0);
  CHECK(rig.checked().bad_copies == 0);
}

// It lies behind the metadata, so that nothing comes behind it which could notice.
TEST_CASE("a scrub that was stopped in the last extent of all says so, and has not done its chunk") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  rig.put("large", 16 << 20);  // more than the first chunk of data has room for
  const ByteRange extent = rig.extents(false).back();
  REQUIRE(extent.length() > 2 << 20);
  const uint64_t physical = rig.place(extent.start, 0).physical;
  rig.flip(extent.end - ScrubRig::kSector, 0);
  const auto all = parts(rig);
  REQUIRE(all.back().physical.contains(physical));
  const auto [status, progress] = rig.scrub(1, true, {0, ~uint64_t{0}}, [&](Scrub& scrub) {
    rig.devices[0]->on_read = [&, physical](ByteRange range) {
      if (range.contains(physical)) scrub.cancel();
    };
  });
  rig.devices[0]->on_read = nullptr;
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ECANCELED);
  CHECK(progress.last_physical <= all.back().physical.start);
  const auto [rest_status, rest] = rig.scrub(1, true, {progress.last_physical, ~uint64_t{0}});
  CHECK(rest_status);
  CHECK(progress.csum_errors + rest.csum_errors == 1);
}

TEST_CASE("a device that is not there is none to scrub") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  for (const uint64_t devid : {0, 2}) {
    const auto [status, progress] = rig.scrub(devid);
    REQUIRE(!status);
    CHECK(status.error().code == ENODEV);
    CHECK(progress.last_physical == 0);
  }
}

TEST_CASE("progress grows while it runs") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  rig.put("file", kFileBytes);
  std::vector<uint64_t> seen;
  const auto [status, progress] = rig.scrub(1, true, {0, ~uint64_t{0}}, [&](Scrub& scrub) {
    rig.devices[0]->on_read = [&](ByteRange) { seen.push_back(scrub.progress().data_bytes); };
  });
  rig.devices[0]->on_read = nullptr;
  CHECK(status);
  REQUIRE_FALSE(seen.empty());
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(seen.front() == 0);
  CHECK(seen.back() > 0);
  CHECK(progress.data_bytes == kFileBytes);
}

}  // namespace butterfuse::scrub_course_test
