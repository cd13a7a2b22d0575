// SPDX-License-Identifier: GPL-2.0-or-later
// BaseImage: making images, opening those of a folder, and finding tree blocks by what they look like.
#include "tests/fuzz/base_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/device/memory_device.h"
#include "core/volume/superblock.h"
#include "tests/crash/setting.h"
#include "tests/crash/workload.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::fuzz {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kMadeImages = 16;
constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kStepBytes = 4096;

// What the devices hold now, sparse.
Disks copy_of(const Disks& disks) {
  Disks copies;
  std::vector<std::byte> bytes(kStepBytes);
  const std::vector<std::byte> zeros(kStepBytes);
  for (const auto& disk : disks) {
    auto copy = std::make_shared<MemoryDevice>(disk->size_bytes());
    for (uint64_t at = 0; at + bytes.size() <= disk->size_bytes(); at += bytes.size()) {
      must(disk->read(at, bytes));
      if (bytes != zeros) must(copy->write(at, bytes, WriteKind::data));
    }
    copies.push_back(std::move(copy));
  }
  return copies;
}

Disks make_disks(uint64_t seed, bool with_log) {
  crash::Setting setting(seed);
  setting.shape.operations = 60;
  setting.shape.setup = 40;
  const Disks disks = setting.make_disks();
  auto mount = must(Mount::open(crash::share(disks), setting.mount_options()));
  Trace trace;
  crash::Workload workload(*mount, trace, seed);
  must(workload.run(setting.shape));
  const Disks crashed = with_log ? copy_of(disks) : Disks();
  must(mount->close());
  return with_log ? crashed : disks;
}

Disks open_files(const std::vector<std::string>& files) {
  Disks disks;
  for (const std::string& file : files) {
    auto device = open_file_device(file, {.mode = OpenMode::read_only, .lock = false});
    if (device) disks.push_back(std::move(*device));
  }
  return disks;
}

bool same_fsid(const DiskSuper& super, const DiskHeader& header) {
  return std::memcmp(header.fsid, super.fsid, sizeof header.fsid) == 0 ||
         std::memcmp(header.fsid, super.metadata_uuid, sizeof header.fsid) == 0;
}

bool is_sealed(const BaseImage& image, ByteSpan block) {
  const CsumValue sum = checksum(image.csum_type(), block.subspan(kCsumMaxBytes));
  return std::memcmp(sum.data(), block.data(), csum_size(image.csum_type())) == 0;
}

// What of a file is no hole, so that scanning is quick where most of it is one.
std::vector<ByteRange> data_ranges(const std::string& file, uint64_t size) {
  std::vector<ByteRange> ranges;
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ranges;
  for (off_t at = 0; (at = ::lseek(fd, at, SEEK_DATA)) >= 0;) {
    const off_t end = ::lseek(fd, at, SEEK_HOLE);
    if (end <= at) break;
    ranges.push_back({static_cast<uint64_t>(at) / kStepBytes * kStepBytes, std::min<uint64_t>(end, size)});
    at = end;
  }
  ::close(fd);
  return ranges;
}

std::vector<ByteRange> ranges_to_scan(BlockDevice& disk) {
  if (fs::is_regular_file(disk.path())) return data_ranges(disk.path(), disk.size_bytes());
  return {ByteRange::at(0, disk.size_bytes())};
}

void find_blocks(BaseImage& image) {
  std::map<std::pair<uint64_t, uint64_t>, BlockCopies> found;  // by bytenr, generation
  const uint32_t nodesize = image.super.nodesize;
  std::vector<std::byte> bytes(kReadBytes + nodesize);
  for (size_t device = 0; device < image.devices.size(); ++device) {
    BlockDevice& disk = *image.devices[device];
    for (const ByteRange range : ranges_to_scan(disk)) {
      for (uint64_t start = range.start; start < range.end; start += kReadBytes) {
        const size_t length = std::min<uint64_t>(bytes.size(), disk.size_bytes() - start);
        if (!disk.read(start, MutableByteSpan(bytes).first(length))) continue;
        for (size_t at = 0; at < kReadBytes && at + nodesize <= length && start + at < range.end;
             at += kStepBytes) {
          const ByteSpan block = ByteSpan(bytes).subspan(at, nodesize);
          const auto header = load<DiskHeader>(block);
          if (header.bytenr == 0 || !same_fsid(image.super, header) || !is_sealed(image, block)) continue;
          BlockCopies& copies = found[{header.bytenr, header.generation}];
          copies.bytenr = header.bytenr;
          copies.generation = header.generation;
          copies.owner = header.owner;
          copies.places.push_back({device, start + at});
        }
      }
    }
  }
  for (auto& [place, copies] : found) image.blocks.push_back(std::move(copies));
}

// Of superblocks that are not valid, too: but only what scanning can work with.
bool read_super(BaseImage& image) {
  if (image.devices.empty()) return false;
  auto super = read_newest_super(*image.devices.front());
  if (!super) super = read_super_mirror(*image.devices.front(), 0);
  if (!super) return false;
  image.super = *super;
  const uint32_t nodesize = super->nodesize;
  return nodesize >= kStepBytes && nodesize <= 65536 && (nodesize & (nodesize - 1)) == 0 &&
         super->csum_type <= static_cast<uint16_t>(CsumType::blake2);
}

}  // namespace

BaseImages::BaseImages(bool logs) : logs_(logs) {
  for (uint64_t seed = 0; seed < kMadeImages; ++seed) sources_.push_back({.seed = seed});
  const char* folder = std::getenv("BUTTERFUSE_FUZZ_IMAGES");
  if (folder == nullptr || !fs::is_directory(folder)) return;
  std::vector<Source> given;
  for (const auto& entry : fs::directory_iterator(folder)) {
    Source source;
    if (entry.is_regular_file()) source.files.push_back(entry.path().string());
    if (entry.is_directory())
      for (const auto& device : fs::directory_iterator(entry.path()))
        source.files.push_back(device.path().string());
    std::sort(source.files.begin(), source.files.end());
    if (!source.files.empty()) given.push_back(std::move(source));
  }
  std::sort(given.begin(), given.end(), [](const Source& a, const Source& b) { return a.files < b.files; });
  sources_.insert(sources_.end(), given.begin(), given.end());
}

const BaseImage& BaseImages::at(size_t index) {
  auto [place, is_new] = made_.try_emplace(index);
  BaseImage& image = place->second;
  if (!is_new) return image;
  const Source& source = sources_.at(index);
  image.name = source.files.empty() ? fmt::format("seed {}", source.seed) : source.files.front();
  image.devices = source.files.empty() ? make_disks(source.seed, logs_) : open_files(source.files);
  if (read_super(image)) find_blocks(image);
  return image;
}

}  // namespace butterfuse::fuzz
