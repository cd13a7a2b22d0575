// SPDX-License-Identifier: GPL-2.0-or-later
// Scrub of data: what is bad is counted sector by sector, and brought back where another copy is good.
#include <catch2/catch.hpp>

#include "tests/core/scrub/scrub_rig.h"

namespace butterfuse::scrub_data_test {
namespace {

constexpr uint32_t kSector = ScrubRig::kSector;
constexpr uint64_t kFileBytes = 3 << 20;

uint64_t sum_of(const std::vector<ByteRange>& ranges) {
  uint64_t bytes = 0;
  for (const ByteRange& range : ranges) bytes += range.length();
  return bytes;
}

// Sectors of the file that tests break: the first, one in the middle, two in a row, the last.
std::vector<uint64_t> some_sectors(ScrubRig& rig) {
  std::vector<uint64_t> sectors;
  uint64_t index = 0;
  for (const ByteRange& range : rig.extents(false))
    for (uint64_t at = range.start; at < range.end; at += kSector, ++index)
      if (index == 0 || index == 100 || index == 255 || index == 256 || index == kFileBytes / kSector - 1)
        sectors.push_back(at);
  REQUIRE(sectors.size() == 5);
  return sectors;
}

void check_counts(const ScrubProgress& progress, uint64_t csum_errors, uint64_t corrected) {
  CHECK(progress.csum_errors == csum_errors);
  CHECK(progress.corrected == corrected);
  CHECK(progress.uncorrectable == csum_errors - corrected);
  CHECK(progress.read_errors == 0);
  CHECK(progress.super_errors == 0);
}

}  // namespace

TEST_CASE("of a sound file system each byte on the device is verified, and nothing is found") {
  ScrubRig rig(2, MkfsProfile::raid1, MkfsProfile::raid1);
  rig.put("file", kFileBytes);
  const auto data = rig.extents(false), trees = rig.extents(true);
  REQUIRE(sum_of(data) == kFileBytes);
  for (const uint64_t devid : {1, 2}) {
    const auto [status, progress] = rig.scrub(devid);
    CHECK(status);
    check_counts(progress, 0, 0);
    CHECK(progress.errors() == 0);
    CHECK(progress.data_extents == data.size());
    CHECK(progress.data_bytes == kFileBytes);
    CHECK(progress.tree_extents == trees.size());
    CHECK(progress.tree_bytes == sum_of(trees));
    CHECK(progress.no_csum == 0);
  }
}

TEST_CASE("bad sectors are counted one by one, and brought back from the good copy") {
  ScrubRig rig(2, MkfsProfile::raid1, MkfsProfile::raid1);
  rig.put("file", kFileBytes);
  const auto sectors = some_sectors(rig);
  for (const uint64_t sector : sectors) rig.flip(sector + 17, 0);
  const uint64_t bad = rig.place(sectors[0], 0).disk + 1, good = 3 - bad;
  check_counts(rig.scrub(good).progress, 0, 0);
  check_counts(rig.scrub(bad).progress, sectors.size(), sectors.size());
  CHECK(rig.filesystem().volume().member(bad)->totals().corruption == sectors.size());
  check_counts(rig.scrub(bad).progress, 0, 0);
  const CheckSummary summary = rig.checked();
  CHECK(summary.errors == 0);
  CHECK(summary.bad_copies == 0);
}

TEST_CASE("a scrub that is to change nothing counts what it finds, and leaves it") {
  ScrubRig rig(2, MkfsProfile::raid1, MkfsProfile::raid1);
  rig.put("file", kFileBytes);
  const auto sectors = some_sectors(rig);
  for (const uint64_t sector : sectors) rig.flip(sector, 0);
  const uint64_t bad = rig.place(sectors[0], 0).disk + 1;
  for (int round = 0; round < 2; ++round) check_counts(rig.scrub(bad, false).progress, sectors.size(), 0);
  check_counts(rig.scrub(bad, true).progress, sectors.size(), sectors.size());
}

TEST_CASE("without another copy what is bad stays, and is counted as such") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::single);
  rig.put("file", kFileBytes);
  const auto sectors = some_sectors(rig);
  for (const uint64_t sector : sectors) rig.flip(sector, 0);
  for (int round = 0; round < 2; ++round) check_counts(rig.scrub(1).progress, sectors.size(), 0);
}

TEST_CASE("a copy that is as bad is no help, and another one that is good is") {
  ScrubRig two(2, MkfsProfile::raid1, MkfsProfile::raid1);
  two.put("file", kFileBytes);
  const uint64_t sector = some_sectors(two)[1];
  two.flip(sector, 0);
  two.flip(sector + 1, 1);
  for (const uint64_t devid : {1, 2}) check_counts(two.scrub(devid).progress, 1, 0);
  ScrubRig three(3, MkfsProfile::raid1c3, MkfsProfile::raid1c3);
  three.put("file", kFileBytes);
  const uint64_t other = some_sectors(three)[1];
  three.flip(other, 0);
  three.flip(other + 1, 1);
  for (const size_t copy : {0, 1})
    check_counts(three.scrub(three.place(other, copy).disk + 1).progress, 1, 1);
  CHECK(three.checked().bad_copies == 0);
}

TEST_CASE("of two copies on one device both are looked at") {
  ScrubRig rig(1, MkfsProfile::dup, MkfsProfile::dup);
  rig.put("file", kFileBytes);
  const auto sectors = some_sectors(rig);
  rig.flip(sectors[0], 0);
  rig.flip(sectors[1], 1);
  const ScrubProgress progress = rig.scrub(1).progress;
  check_counts(progress, 2, 2);
  CHECK(progress.data_bytes == 2 * kFileBytes);
  CHECK(rig.checked().bad_copies == 0);
}

TEST_CASE("what is striped is verified once, each device its part") {
  ScrubRig rig(4, MkfsProfile::raid1, MkfsProfile::raid10);
  rig.put("file", kFileBytes);
  const auto sectors = some_sectors(rig);
  for (const uint64_t sector : sectors) rig.flip(sector, 1);
  ScrubProgress all;
  for (const uint64_t devid : {1, 2, 3, 4}) {
    const ScrubProgress progress = rig.scrub(devid).progress;
    CHECK(progress.data_bytes > 0);
    all.data_bytes += progress.data_bytes;
    all.csum_errors += progress.csum_errors, all.corrected += progress.corrected;
  }
  CHECK(all.data_bytes == 2 * kFileBytes);
  check_counts(all, sectors.size(), sectors.size());
}

TEST_CASE("data without checksums is read, counted, and not judged") {
  ScrubRig rig(2, MkfsProfile::raid1, MkfsProfile::raid1);
  rig.put("file", kFileBytes, "nodatasum");
  const uint64_t sector = some_sectors(rig)[2];
  rig.flip(sector, 0);
  const auto [disk, physical] = rig.place(sector, 0);
  std::vector<std::byte> before(kSector), after(kSector);
  must(rig.disks[disk]->read(physical, before));
  for (const uint64_t devid : {1, 2}) {
    const ScrubProgress progress = rig.scrub(devid).progress;
    check_counts(progress, 0, 0);
    CHECK(progress.no_csum == kFileBytes / kSector);
    CHECK(progress.data_bytes == kFileBytes);
  }
  must(rig.disks[disk]->read(physical, after));
  CHECK(before == after);
}

TEST_CASE("a sector that can't be read is written anew from the good copy; without a checksum it is lost") {
  for (const bool summed : {true, false}) {
    ScrubRig rig(2, MkfsProfile::raid1, MkfsProfile::raid1);
    rig.put("file", kSector, summed ? "" : "nodatasum");
    const auto [disk, physical] = rig.place(rig.extents(false).at(0).start, 0);
    rig.devices[disk]->bad = ByteRange::at(physical, kSector);
    const ScrubProgress progress = rig.scrub(disk + 1).progress;
    CHECK(progress.read_errors == 1);
    CHECK(progress.csum_errors == 0);
    CHECK(progress.corrected == (summed ? 1 : 0));
    CHECK(progress.uncorrectable == (summed ? 0 : 1));
    CHECK(rig.scrub(disk + 1).progress.read_errors == (summed ? 0 : 1));
  }
}

}  // namespace butterfuse::scrub_data_test
