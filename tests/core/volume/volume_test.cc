// SPDX-License-Identifier: GPL-2.0-or-later
// Volume on real images, and on images whose superblocks or copies are broken.
#include "core/volume/volume.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <functional>

#include "core/device/fault_device.h"
#include "core/device/memory_device.h"
#include "core/device/recording_device.h"
#include "core/volume/device_sizes.h"
#include "core/volume/superblock.h"
#include "tests/support/run_command.h"
#include "tests/support/test_images.h"

namespace butterfuse::volume_test {
namespace {

std::shared_ptr<BlockDevice> open_shared(const std::string& path) {
  auto device = open_file_device(path, {.mode = OpenMode::read_only});
  REQUIRE(device);
  return std::shared_ptr<BlockDevice>(std::move(*device));
}

// A fresh file system, changed in memory only.
struct ScratchImage {
  TempDir dir;
  std::string path = dir / "image";
  bool made = false;
  explicit ScratchImage(std::vector<std::string> mkfs_options = {}) {
    make_sparse_file(path, 128 << 20);
    std::vector<std::string> command{"mkfs.btrfs", "-q"};
    command.insert(command.end(), mkfs_options.begin(), mkfs_options.end());
    command.push_back(path);
    made = have_program("mkfs.btrfs") && run_command(command).ok();
    if (!made) WARN("SKIP: mkfs.btrfs is not installed");
  }
  std::unique_ptr<MemoryDevice> overlay() const { return std::make_unique<MemoryDevice>(open_shared(path)); }
};

void change_super(BlockDevice& device, int mirror, const std::function<void(DiskSuper&)>& change) {
  auto super = read_super_mirror(device, mirror);
  REQUIRE(super);
  change(*super);
  seal_super(*super, mirror);
  REQUIRE(device.write(super_mirror_offset(mirror), object_bytes(*super), WriteKind::super));
}

std::string refusal(std::unique_ptr<BlockDevice> device) {
  auto volume = Volume::open(std::move(device));
  return volume ? "" : volume.error().message;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::byte> read_root(Volume& volume) {
  std::vector<std::byte> block(volume.nodesize());
  const DiskSuper& super = volume.super();
  CHECK(volume.read_tree_block(super.chunk_root, block, super.chunk_root_generation, super.chunk_root_level,
                               super.generation));
  return block;
}

}  // namespace

TEST_CASE("every golden image opens with all its devices, in any order, and its chunk root can be read") {
  size_t opened = 0;
  for (const std::string& name : golden_names()) {
    INFO(name);
    UnpackedImage image = UnpackedImage::golden(name);
    for (const bool reversed : {false, true}) {
      std::vector<std::string> paths = image.devices();
      if (reversed) std::ranges::reverse(paths);
      BlockDevices devices;
      for (const std::string& path : paths) {
        auto device = open_file_device(path, {.mode = OpenMode::read_only});
        REQUIRE(device);
        devices.push_back(std::move(*device));
      }
      auto volume = Volume::open(std::move(devices));
      if (!volume) FAIL_CHECK(volume.error().message);
      if (!volume) continue;
      ++opened;
      read_root(**volume);
      CHECK_FALSE((*volume)->chunks().empty());
      // A seed given first does not know its sprout.
      CHECK((*volume)->members().size() == ((*volume)->seeding() ? 1 : paths.size()));
    }
  }
  WARN("golden: opened " << opened << " times");
}

TEST_CASE("no hostile image crashes the opening of a volume") {
  size_t opened = 0, refused = 0;
  for (const char* folder : {"fuzz", "fsck", "thirdparty"})
    for (const std::string& name : corpus_names(folder)) {
      INFO(name);
      UnpackedImage image = UnpackedImage::corpus(name);
      for (const std::string& path : image.devices()) {
        auto device = open_file_device(path, {.mode = OpenMode::read_only});
        if (!device) continue;
        auto volume = Volume::open(std::move(*device));
        if (!volume) {
          ++refused;
          CHECK_FALSE(mentions(volume.error().message, "\n"));
          continue;
        }
        ++opened;
        std::vector<std::byte> block((*volume)->nodesize());
        (void)(*volume)->read_tree_block((*volume)->super().chunk_root, block, 0, -1, ~uint64_t{0});
        (void)(*volume)->read_tree_block((*volume)->super().root, block, 0, -1, ~uint64_t{0});
      }
    }
  WARN("corpus: " << opened << " opened, " << refused << " refused");
}

TEST_CASE("what is no btrfs is called so") {
  CHECK(mentions(refusal(std::make_unique<MemoryDevice>(1 << 20)), "not a btrfs"));
  CHECK(mentions(refusal(std::make_unique<MemoryDevice>(4096)), "too small"));
}

TEST_CASE("a broken primary superblock is replaced by its mirror") {
  ScratchImage image;
  if (!image.made) return;
  auto device = image.overlay();
  std::vector<std::byte> garbage(4096, std::byte{0x5a});
  REQUIRE(device->write(kSuperOffset + 100, MutableByteSpan(garbage).first(100), WriteKind::super));
  auto volume = Volume::open(std::move(device));
  REQUIRE(volume);
  CHECK((*volume)->super().bytenr == super_mirror_offset(1));
  read_root(**volume);
  auto none = image.overlay();
  REQUIRE(none->write(kSuperOffset + 100, MutableByteSpan(garbage).first(100), WriteKind::super));
  REQUIRE(none->write(super_mirror_offset(1) + 100, MutableByteSpan(garbage).first(100), WriteKind::super));
  CHECK(mentions(refusal(std::move(none)), "no valid superblock"));
}

TEST_CASE("the mirror of the highest generation is believed, but not one of another file system") {
  ScratchImage image;
  if (!image.made) return;
  auto newer = image.overlay();
  change_super(*newer, 1, [](DiskSuper& super) { super.generation = 1000; });
  auto volume = Volume::open(std::move(newer));
  REQUIRE(volume);
  CHECK((*volume)->super().generation == 1000);

  auto foreign = image.overlay();
  change_super(*foreign, 1, [](DiskSuper& super) {
    super.generation = 1000;
    super.fsid[0] ^= 1;
    super.dev_item.fsid[0] ^= 1;
  });
  volume = Volume::open(std::move(foreign));
  REQUIRE(volume);
  CHECK((*volume)->super().generation < 1000);
}

TEST_CASE("file systems that cannot be read are refused with the reason") {
  ScratchImage image;
  if (!image.made) return;
  auto refusal_of = [&](const std::function<void(DiskSuper&)>& change) {
    auto device = image.overlay();
    change_super(*device, 0, change);
    change_super(*device, 1, change);
    return refusal(std::move(device));
  };
  CHECK(refusal_of([](DiskSuper&) {}).empty());
  CHECK(mentions(
      refusal_of([](DiskSuper& super) { super.incompat_flags = super.incompat_flags | incompat::kZoned; }),
      "zoned"));
  CHECK(mentions(
      refusal_of([](DiskSuper& super) { super.incompat_flags = super.incompat_flags | (uint64_t{1} << 40); }),
      "0x10000000000"));
  CHECK(mentions(refusal_of([](DiskSuper& super) { super.sectorsize = 8192; }), "sectorsize 8192"));
  CHECK(mentions(refusal_of([](DiskSuper& super) { super.flags = super.flags | super_flag::kMetadump; }),
                 "dump"));
  CHECK(
      mentions(refusal_of([](DiskSuper& super) { super.sys_chunk_array_size = 96; }), "no valid superblock"));
  CHECK(mentions(refusal_of([](DiskSuper& super) { super.sys_chunk_array_size = 130; }), "sys_chunk_array"));
  CHECK(mentions(refusal_of([](DiskSuper& super) { super.root_level = 8; }), "root level"));
  CHECK(mentions(refusal_of([](DiskSuper& super) { super.nodesize = 12288; }), "nodesize"));
  CHECK(mentions(refusal_of([](DiskSuper& super) { super.csum_type = 4; }), "csum_type"));
}

TEST_CASE("a device that is smaller than its file system opens for those who judge it, and no further") {
  ScratchImage image;
  if (!image.made) return;
  auto device = image.overlay();
  for (const int mirror : {0, 1})
    change_super(*device, mirror, [](DiskSuper& super) {
      super.total_bytes = 1 << 30;
      super.dev_item.total_bytes = 1 << 30;
    });
  const auto volume = Volume::open(std::move(device));
  REQUIRE(volume);
  const Status sizes = check_device_sizes(**volume);
  REQUIRE_FALSE(sizes);
  CHECK(mentions(sizes.error().message, "the device has"));
}

TEST_CASE("a bad copy of a tree block is passed over, two bad ones are an error") {
  ScratchImage image({"-m", "dup"});
  if (!image.made) return;
  auto device = image.overlay();
  MemoryDevice* raw = device.get();
  auto volume = Volume::open(std::move(device));
  REQUIRE(volume);
  const uint64_t bytenr = (*volume)->super().chunk_root;
  auto chunk = (*volume)->chunk_at(bytenr);
  REQUIRE(chunk);
  REQUIRE(chunk->copies() == 2);
  auto good = read_root(**volume);
  std::vector<std::byte> garbage(512, std::byte{0xee});
  REQUIRE(raw->write(chunk->stripes[0].physical + bytenr - chunk->start + 4096, garbage, WriteKind::data));
  CHECK(read_root(**volume) == good);
  REQUIRE(raw->write(chunk->stripes[1].physical + bytenr - chunk->start + 8192, garbage, WriteKind::data));
  std::vector<std::byte> block((*volume)->nodesize());
  Status status = (*volume)->read_tree_block(bytenr, block, 0, -1, ~uint64_t{0});
  REQUIRE_FALSE(status);
  CHECK(status.error().code == EUCLEAN);
  CHECK(mentions(status.error().message, "checksum"));
}

TEST_CASE("a tree block must be what its parent promised") {
  ScratchImage image;
  if (!image.made) return;
  auto volume = Volume::open(image.overlay());
  REQUIRE(volume);
  const DiskSuper& super = (*volume)->super();
  std::vector<std::byte> block((*volume)->nodesize());
  auto read = [&](uint64_t bytenr, uint64_t generation, int level, uint64_t limit) {
    Status status = (*volume)->read_tree_block(bytenr, block, generation, level, limit);
    return status ? std::string() : status.error().message;
  };
  CHECK(read(super.chunk_root, super.chunk_root_generation, 0, super.generation).empty());
  CHECK(mentions(read(super.chunk_root, super.chunk_root_generation + 1, 0, 100), "generation"));
  CHECK(mentions(read(super.chunk_root, 0, 1, super.generation), "level"));
  CHECK(mentions(read(super.chunk_root, 0, 0, super.chunk_root_generation - 1), "generation"));
  CHECK(mentions(read(super.chunk_root + 1, 0, 0, 100), "aligned"));
  CHECK(mentions(read(super.chunk_root + 65536, 0, 0, 100), "mismatch"));
  CHECK(mentions(read(uint64_t{1} << 50, 0, 0, 100), "no chunk"));
}

TEST_CASE("a write reaches all copies, and its failure is the caller's") {
  ScratchImage image({"-m", "dup"});
  if (!image.made) return;
  auto fault = std::make_unique<FaultDevice>(std::shared_ptr<BlockDevice>(image.overlay()));
  FaultDevice* faults = fault.get();
  auto volume = Volume::open(std::move(fault));
  REQUIRE(volume);
  auto chunk = (*volume)->chunks().front();
  const uint64_t bytenr = chunk->start + chunk->length - 8192;
  std::vector<std::byte> data(8192, std::byte{'w'}), back(8192);
  REQUIRE((*volume)->write(bytenr, data, WriteKind::metadata));
  for (int mirror = 0; mirror < 2; ++mirror) {
    REQUIRE((*volume)->read(bytenr, back, mirror));
    CHECK(back == data);
  }
  CHECK((*volume)->read(bytenr, back, 2).error().code == EIO);
  CHECK((*volume)->write(bytenr + 4096, data, WriteKind::data).error().code == EUCLEAN);
  CHECK((*volume)->write(chunk->start - 4096, data, WriteKind::data).error().code == EUCLEAN);
  faults->fail_nth(FaultOperation::write, 2, EIO);
  CHECK((*volume)->write_gather(bytenr, {data}, WriteKind::data).error().code == EIO);
}

TEST_CASE("chunks do not overlap, have the stripes of their profile, and those are of the known devices") {
  ScratchImage image;
  if (!image.made) return;
  auto opened = Volume::open(image.overlay());
  REQUIRE(opened);
  Volume& volume = **opened;
  const uint64_t devid = volume.super().dev_item.devid;
  ChunkMapping chunk{1ull << 40, 1 << 20, bg::kData, {{devid, 1 << 20, {}}}};
  CHECK(volume.add_chunk(chunk));
  CHECK(volume.add_chunk(chunk).error().code == EEXIST);
  chunk.start += (1 << 20) - 4096;
  CHECK(volume.add_chunk(chunk).error().code == EEXIST);
  chunk.start -= 1 << 20;
  CHECK(volume.add_chunk(chunk).error().code == EEXIST);
  chunk.start -= 4096;
  chunk.length = 4096;
  CHECK(volume.add_chunk(chunk));
  CHECK(volume.copies(chunk.start) == 1);
  CHECK(volume.copies(chunk.start + 4096) == 0);
  volume.remove_chunk(chunk.start);
  CHECK(volume.copies(chunk.start) == 0);
  chunk.type |= bg::kRaid1;
  CHECK(volume.add_chunk(chunk).error().code == EUCLEAN);
  chunk.type = bg::kData | bg::kDup;
  CHECK(volume.add_chunk(chunk).error().code == EUCLEAN);
  chunk.type = bg::kData;
  chunk.stripes[0].dev_uuid.bytes[0] = 1;
  CHECK(volume.add_chunk(chunk).error().code == EUCLEAN);
  // Beyond the device's end: mapped, but reading fails.
  chunk.stripes[0] = {devid, uint64_t{1} << 50, {}};
  REQUIRE(volume.add_chunk(chunk));
  std::vector<std::byte> buffer(4096);
  CHECK(volume.read(chunk.start, buffer, 0).error().code == EIO);
}

TEST_CASE("superblocks are written in order to every mirror that fits, and are valid") {
  ScratchImage image;
  if (!image.made) return;
  auto trace = std::make_shared<Trace>();
  auto device = std::make_unique<RecordingDevice>(std::shared_ptr<BlockDevice>(image.overlay()), trace);
  BlockDevice* raw = device.get();
  auto volume = Volume::open(std::move(device));
  REQUIRE(volume);
  DiskSuper super = (*volume)->super();
  super.generation = super.generation + 1;
  REQUIRE((*volume)->write_supers(super));
  auto events = trace->events();
  REQUIRE(events.size() == 2);
  CHECK(events[0].offset == super_mirror_offset(0));
  CHECK(events[1].offset == super_mirror_offset(1));
  CHECK(events[0].what == WriteKind::super);
  for (int mirror = 0; mirror < 2; ++mirror)
    CHECK(check_super_mirror(*read_super_mirror(*raw, mirror), mirror));
  CHECK(read_newest_super(*raw)->generation == super.generation);
}

}  // namespace butterfuse::volume_test
