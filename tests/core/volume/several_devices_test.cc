// SPDX-License-Identifier: GPL-2.0-or-later
// File systems of several devices: which belong together, what may be missing, what may fail.
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>

#include "core/device/fault_device.h"
#include "core/device/memory_device.h"
#include "core/mkfs/mkfs.h"
#include "core/transaction/filesystem.h"
#include "core/volume/superblock.h"
#include "tests/support/mkfs_image.h"
#include "tests/support/test_images.h"

namespace butterfuse::several_devices_test {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// Devices in memory that outlive the volumes opened on them.
struct Devices {
  std::vector<std::shared_ptr<MemoryDevice>> base;
  std::vector<FaultDevice*> faults;  // of the last open()

  Devices(size_t count, MkfsProfile metadata, MkfsProfile data) {
    std::vector<BlockDevice*> raw;
    for (size_t i = 0; i < count; ++i) base.push_back(std::make_shared<MemoryDevice>(128 * kMiB));
    for (auto& device : base) raw.push_back(device.get());
    MkfsOptions options;
    options.metadata = metadata;
    options.data = data;
    REQUIRE(make_filesystem(raw, options));
  }
  BlockDevices open(std::vector<size_t> which) {
    BlockDevices devices;
    faults.clear();
    for (size_t i : which) {
      devices.push_back(std::make_unique<FaultDevice>(base[i]));
      faults.push_back(static_cast<FaultDevice*>(devices.back().get()));
    }
    return devices;
  }
  Result<std::unique_ptr<Filesystem>> mount(std::vector<size_t> which, bool read_only, bool degraded) {
    FilesystemOptions options;
    options.read_only = read_only;
    options.degraded = degraded;
    options.commit_interval_s = 0;
    return Filesystem::open(open(std::move(which)), options);
  }
};

std::shared_ptr<const ChunkMapping> chunk_of_type(Volume& volume, uint64_t type) {
  for (const auto& chunk : volume.chunks())
    if (chunk->type & type) return chunk;
  FAIL("no chunk");
  return nullptr;
}

template <class T>
std::string refusal(const Result<T>& result) {
  return result ? std::string() : result.error().message;
}
bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("missing devices are named, and degraded goes as far as the profiles do") {
  Devices raid1(3, MkfsProfile::raid1, MkfsProfile::raid1);
  REQUIRE(raid1.mount({2, 0, 1}, false, false));
  const std::string missing = refusal(raid1.mount({0, 1}, true, false));
  CHECK(mentions(missing, "missing devid 3"));
  CHECK_FALSE(mentions(missing, "devid 2"));
  CHECK(raid1.mount({0, 1}, true, true));
  CHECK(raid1.mount({0, 1}, false, true));
  Devices single(2, MkfsProfile::raid1, MkfsProfile::single);
  const size_t with_data =
      chunk_of_type((*single.mount({0, 1}, true, false))->volume(), bg::kData)->stripes[0].devid - 1;
  CHECK(mentions(refusal(single.mount({1 - with_data}, false, true)), "tolerates 0"));
  CHECK(single.mount({1 - with_data}, true, true));  // its metadata is there
  CHECK(single.mount({with_data}, false, true));
  Devices raid0(2, MkfsProfile::raid0, MkfsProfile::raid0);
  CHECK(mentions(refusal(raid0.mount({0}, true, true)), "missing devid 2"));
}

TEST_CASE("a device whose superblocks are all torn counts as missing") {
  Devices raid1(2, MkfsProfile::raid1, MkfsProfile::raid1);
  for (int mirror = 0; mirror < 2; ++mirror)
    must(raid1.base[0]->write(super_mirror_offset(mirror) + 2048, as_bytes(std::string(1024, '?')),
                              WriteKind::super));
  CHECK(mentions(refusal(raid1.mount({0, 1}, false, false)), "missing devid 1"));
  CHECK(raid1.mount({0, 1}, false, true));
  CHECK(mentions(refusal(raid1.mount({0}, true, true)), "checksum mismatch"));
}

TEST_CASE("a device given twice, or of another file system, is refused") {
  Devices one(2, MkfsProfile::raid1, MkfsProfile::single), other(1, MkfsProfile::dup, MkfsProfile::single);
  CHECK(mentions(refusal(one.mount({0, 1, 0}, true, false)), "same device"));
  BlockDevices devices = one.open({0, 1});
  BlockDevices foreign = other.open({0});
  devices.push_back(std::move(foreign[0]));
  CHECK(mentions(refusal(Volume::open(std::move(devices))), "another file system"));
}

TEST_CASE("a range over several cells of RAID0 and RAID10 is written to where it is read from") {
  for (const MkfsProfile profile : {MkfsProfile::raid0, MkfsProfile::raid10}) {
    Devices devices(4, profile, profile);
    auto volume = Volume::open(devices.open({0, 1, 2, 3}));
    REQUIRE(volume);
    auto filesystem = devices.mount({0, 1, 2, 3}, true, false);
    const auto chunk = chunk_of_type((*filesystem)->volume(), bg::kData);
    REQUIRE((*volume)->add_chunk(*chunk));
    std::vector<std::byte> data(700 * 1024), back(data.size());
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i / 4096 * 7 + i % 251);
    const uint64_t bytenr = chunk->start + 3 * 65536 - 8192;
    const ByteSpan all(data);
    REQUIRE((*volume)->write_gather(
        bytenr, {all.first(100'000), all.subspan(100'000, 12), all.subspan(100'012)}, WriteKind::data));
    for (int mirror = 0; mirror < chunk->copies(); ++mirror) {
      REQUIRE((*volume)->read(bytenr, back, mirror));
      CHECK(back == data);
    }
    // Byte by byte where the hand-made tables of chunk_mapping_test say.
    const uint64_t at = 5 * 65536 + 77;
    const StripePiece piece = stripe_piece(*chunk, at, 1);
    std::byte one{};
    const ChunkStripe& stripe = chunk->stripes[piece.first_copy];
    REQUIRE(devices.base[stripe.devid - 1]->read(stripe.physical + piece.stripe_offset, {&one, 1}));
    CHECK(one == data[chunk->start + at - bytenr]);
  }
}

TEST_CASE("a device that fails is no error while others have copies of all") {
  Devices devices(3, MkfsProfile::raid1c3, MkfsProfile::raid1c3);
  auto volume = Volume::open(devices.open({0, 1, 2}));
  REQUIRE(volume);
  const auto chunk = chunk_of_type(**volume, bg::kSystem);
  const uint64_t bytenr = chunk->start + chunk->length - 4096;
  std::vector<std::byte> data(4096, std::byte{'x'}), back(4096);
  for (int failing = 0; failing < 2; ++failing) {
    devices.faults[failing]->fail_nth(FaultOperation::write, 1, EIO, true);
    devices.faults[failing]->fail_nth(FaultOperation::flush, 1, EIO, true);
    CHECK((*volume)->write(bytenr, data, WriteKind::metadata));
    CHECK((*volume)->flush());
    CHECK((*volume)->write_supers((*volume)->super()));
  }
  devices.faults[2]->fail_nth(FaultOperation::write, 1, EIO, true);
  devices.faults[2]->fail_nth(FaultOperation::flush, 1, EIO, true);
  CHECK((*volume)->write(bytenr, data, WriteKind::metadata).error().code == EIO);
  CHECK((*volume)->flush().error().code == EIO);
  CHECK((*volume)->write_supers((*volume)->super()).error().code == EIO);
  // A device that is lost is not asked again; the last one has to be.
  const std::string stats = (*volume)->stats_text();
  CHECK(mentions(stats, "device_1_lost 1"));
  CHECK(mentions(stats, "device_1_write_errors 1"));
  CHECK(mentions(stats, "device_1_flush_errors 0"));
  CHECK(mentions(stats, "device_3_lost 0"));
  CHECK(mentions(stats, "device_3_write_errors 2"));
  CHECK(mentions(stats, "device_3_flush_errors 1"));
}

TEST_CASE("a write that succeeds the second time loses no device, and no flush is tried twice") {
  Devices devices(2, MkfsProfile::raid1, MkfsProfile::raid1);
  auto volume = Volume::open(devices.open({0, 1}));
  REQUIRE(volume);
  const auto chunk = chunk_of_type(**volume, bg::kSystem);
  std::vector<std::byte> data(4096, std::byte{'x'}), back(4096);
  devices.faults[0]->fail_nth(FaultOperation::write, 1, EIO);
  CHECK((*volume)->write(chunk->start, data, WriteKind::metadata));
  CHECK(mentions((*volume)->stats_text(), "device_1_lost 0"));
  CHECK(mentions((*volume)->stats_text(), "device_1_write_errors 1"));
  CHECK_FALSE((*volume)->writes_failed());
  CHECK((*volume)->read(chunk->start, back, 0));
  CHECK(back == data);
  devices.faults[0]->fail_nth(FaultOperation::flush, 1, EIO);
  CHECK((*volume)->flush());
  CHECK(mentions((*volume)->stats_text(), "device_1_lost 1"));
  CHECK((*volume)->writes_failed());
  (*volume)->settle_losses();
  CHECK_FALSE((*volume)->writes_failed());
}

TEST_CASE("a lost device keeps its last superblock, and is not believed where nobody can tell") {
  Devices devices(2, MkfsProfile::raid1, MkfsProfile::raid1);
  auto filesystem = must(devices.mount({0, 1}, false, false));
  Volume& volume = filesystem->volume();
  const auto chunk = chunk_of_type(volume, bg::kData);
  const uint64_t bytenr = chunk->start;
  std::vector<std::byte> old_data(4096, std::byte{'o'}), new_data(4096, std::byte{'n'}), back(4096);
  REQUIRE(volume.write(bytenr, old_data, WriteKind::data));
  const uint64_t generation = filesystem->last_committed();
  devices.faults[0]->fail_nth(FaultOperation::write, 1, EIO, true);
  REQUIRE(volume.write(bytenr, new_data, WriteKind::data));
  devices.faults[0]->fail_nth(FaultOperation::write, 1 << 20, EIO);  // it is back
  for (const bool verified : {true, false}) {
    REQUIRE(volume.read_best(bytenr, back, verified));
    CHECK(back == new_data);
  }
  CHECK(volume.mirror_order(bytenr, true) == std::vector<int>{1, 0});
  CHECK(volume.mirror_order(bytenr, false) == std::vector<int>{1});
  filesystem->set_label("changed");
  REQUIRE(filesystem->close());
  CHECK(read_super_mirror(*devices.base[0], 0)->generation == generation);
  CHECK(read_super_mirror(*devices.base[1], 0)->generation > generation);
}

TEST_CASE("a device that does not answer reads is asked last, and what it answers is counted") {
  Devices devices(2, MkfsProfile::raid1, MkfsProfile::raid1);
  auto filesystem = must(devices.mount({0, 1}, false, false));
  Volume& volume = filesystem->volume();
  const uint64_t bytenr = chunk_of_type(volume, bg::kData)->start;
  std::vector<std::byte> back(4096);
  devices.faults[0]->fail_nth(FaultOperation::read, 1, EIO, true);
  for (int i = 0; i < 100; ++i) REQUIRE(volume.read_best(bytenr, back, true));
  CHECK(volume.member(1)->errors.read == MemberDevice::kFailedReadsMax);
  CHECK_FALSE(volume.member(1)->lost);
  // Its superblock can't be asked; that of the other one can.
  filesystem->set_label("changed");
  CHECK(filesystem->commit());
  CHECK(filesystem->close());
}

TEST_CASE("somebody else's superblock is noticed on any device") {
  Devices devices(2, MkfsProfile::raid1, MkfsProfile::raid1);
  for (const size_t device : {0, 1}) {
    auto filesystem = must(devices.mount({0, 1}, false, false));
    auto super = must(read_super_mirror(*devices.base[device], 0));
    super.generation = super.generation + 5;
    seal_super(super, 0);
    REQUIRE(devices.base[device]->write(super_mirror_offset(0), object_bytes(super), WriteKind::super));
    filesystem->set_label("changed");
    const Status committed = filesystem->commit();
    REQUIRE_FALSE(committed);
    CHECK(mentions(committed.error().message, "somebody else"));
    filesystem.reset();
    super.generation = super.generation - 5;
    seal_super(super, 0);
    REQUIRE(devices.base[device]->write(super_mirror_offset(0), object_bytes(super), WriteKind::super));
  }
}

TEST_CASE("chunks that are made without a lost device have copies where they live") {
  for (const auto& [count, profile] : {std::pair<size_t, MkfsProfile>{2, MkfsProfile::raid1},
                                       {3, MkfsProfile::raid1},
                                       {4, MkfsProfile::raid10},
                                       {3, MkfsProfile::raid1c3}}) {
    Devices devices(count, profile, profile);
    std::vector<size_t> all;
    for (size_t i = 0; i < count; ++i) all.push_back(i);
    auto filesystem = must(devices.mount(all, false, false));
    devices.faults[0]->fail_nth(FaultOperation::flush, 1, EIO);
    filesystem->set_label("changed");
    REQUIRE(filesystem->commit());
    REQUIRE(filesystem->volume().member(1)->lost);
    const size_t chunks = filesystem->volume().chunks().size();
    std::vector<Reservation> promises;
    for (auto& allocator = filesystem->allocator(); promises.size() < 100;) {
      auto promise = allocator.reserve(SpaceClass::data, 4 * kMiB);
      if (!promise) break;
      promises.push_back(std::move(*promise));
    }
    CHECK(filesystem->volume().chunks().size() > chunks);
    for (const auto& chunk : filesystem->volume().chunks()) {
      const auto lost =
          std::ranges::count_if(chunk->stripes, [](const ChunkStripe& it) { return it.device->lost.load(); });
      CHECK(lost <= chunk->profile().tolerated);
    }
  }
}

TEST_CASE(
    "torn superblocks are mended on each device, and one that fails is no error while others have copies") {
  Devices devices(2, MkfsProfile::raid1, MkfsProfile::raid1);
  const std::vector<std::byte> torn(512, std::byte{'t'});
  for (const auto& base : devices.base)
    REQUIRE(base->write(super_mirror_offset(1) + 512, torn, WriteKind::super));
  auto volume = Volume::open(devices.open({0, 1}));
  REQUIRE(volume);
  devices.faults[0]->fail_nth(FaultOperation::write, 1, EIO, true);
  CHECK((*volume)->mend_supers());
  const auto is_sound = [&](size_t device) {
    return check_super_mirror(*read_super_mirror(*devices.base[device], 1), 1).has_value();
  };
  CHECK_FALSE(is_sound(0));
  CHECK(is_sound(1));
}

TEST_CASE("no device of RAID0 may fail, and none of RAID1 beside a single chunk on it") {
  Devices devices(2, MkfsProfile::raid0, MkfsProfile::raid0);
  auto volume = Volume::open(devices.open({0, 1}));
  REQUIRE(volume);
  devices.faults[1]->fail_nth(FaultOperation::flush, 1, EIO, true);
  CHECK((*volume)->flush().error().code == EIO);
}

TEST_CASE("a commit goes on without a mirror, and ends where both fail") {
  Devices devices(2, MkfsProfile::raid1, MkfsProfile::raid1);
  auto filesystem = devices.mount({0, 1}, false, false);
  REQUIRE(filesystem);
  const auto change = [&](uint64_t round) -> Status {
    {
      BF_ASSIGN(TransactionHandle handle, (*filesystem)->begin(1));
      BF_ASSIGN(Tree * tree, (*filesystem)->subvolume(objectid::kFsTree));
      WriteCursor cursor(*tree, handle);
      BF_TRY(cursor.insert({1000 + round, key_type::kOrphanItem, 0}, ByteSpan()));
    }
    return (*filesystem)->commit();
  };
  REQUIRE(change(0));
  devices.faults[0]->fail_nth(FaultOperation::write, 1, EIO, true);
  CHECK(change(1));
  CHECK(change(2));
  devices.faults[1]->fail_nth(FaultOperation::write, 1, EIO, true);
  CHECK_FALSE(change(3));
  CHECK((*filesystem)->read_only());
  filesystem->reset();
  // What the failed device missed is on the other, and it is known as stale.
  auto again = devices.mount({0, 1}, true, false);
  REQUIRE(again);
  CHECK((*again)->volume().member(1)->stale);
  Tree* tree = *(*again)->subvolume(objectid::kFsTree);
  for (uint64_t round = 0; round < 4; ++round)
    CHECK(lookup_item(*tree, {1000 + round, key_type::kOrphanItem, 0})->has_value() == (round < 3));
}

TEST_CASE("RAID6 reads around two stripes that are silently wrong in the same rows") {
  if (golden_names().empty()) return;
  UnpackedImage image = UnpackedImage::golden("raid6");
  for (const auto& bad : {std::pair<size_t, size_t>{0, 1}, {1, 3}, {2, 0}}) {
    BlockDevices devices;
    for (size_t i = 0; i < image.devices().size(); ++i) {
      auto device = open_file_device(image.devices()[i], {.mode = OpenMode::read_only});
      REQUIRE(device);
      auto overlay = std::make_unique<MemoryDevice>(std::shared_ptr<BlockDevice>(std::move(*device)));
      if (i == bad.first || i == bad.second) {
        const std::vector<std::byte> garbage(65536, std::byte{0x5a});
        for (uint64_t at = kMiB; at < overlay->size_bytes(); at += garbage.size())
          if (at != super_mirror_offset(1)) REQUIRE(overlay->write(at, garbage, WriteKind::data));
      }
      devices.push_back(std::move(overlay));
    }
    auto filesystem = Filesystem::open(std::move(devices), {.read_only = true});
    INFO(refusal(filesystem));
    REQUIRE(filesystem);
    ReadCursor cursor((*filesystem)->extent_tree());
    size_t items = 0;
    for (must(cursor.seek({0, 0, 0})); cursor.valid(); must(cursor.next())) ++items;
    CHECK(items > 10);
  }
}

}  // namespace butterfuse::several_devices_test
