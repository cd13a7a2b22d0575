// SPDX-License-Identifier: GPL-2.0-or-later
// Setting: what there is to choose from.
#include "tests/crash/setting.h"

#include <sys/stat.h>

#include <map>

#include "core/device/memory_device.h"
#include "fs/data/fallocate.h"
#include "fs/names/create.h"
#include "fs/options/parse_options.h"
#include "tests/crash/work_folder.h"
#include "tests/support/mkfs_image.h"
#include "tests/support/test_images.h"

namespace butterfuse::crash {
namespace {

struct Choice {
  const char* features;
  uint32_t nodesize;
  MkfsProfile metadata, data;
  size_t devices;
  const char* options;
  size_t atom;
  Start start = Start::fresh;
};

constexpr Choice kChoices[] = {
    {"", 16384, MkfsProfile::dup, MkfsProfile::single, 1, "", 4096},
    {"", 16384, MkfsProfile::dup, MkfsProfile::single, 1, "compress=zstd", 4096},
    {"^no-holes", 4096, MkfsProfile::single, MkfsProfile::single, 1, "", 4096},
    {"", 16384, MkfsProfile::dup, MkfsProfile::single, 1, "nodatacow", 512},
    {"", 16384, MkfsProfile::raid1, MkfsProfile::raid1, 2, "", 4096},
    {"^block-group-tree", 65536, MkfsProfile::single, MkfsProfile::single, 1, "compress-force=lzo", 4096},
    {"", 16384, MkfsProfile::dup, MkfsProfile::single, 1, "notreelog,flushoncommit", 4096},
    {"", 4096, MkfsProfile::raid10, MkfsProfile::raid10, 4, "compress=zlib", 4096},
    {"", 16384, MkfsProfile::dup, MkfsProfile::single, 1, "discard", 4096},
    {"", 4096, MkfsProfile::raid1, MkfsProfile::raid1, 2, "discard,compress=zstd", 4096},
    {"", 16384, MkfsProfile::raid1c3, MkfsProfile::raid1c3, 3, "", 4096},
    {"", 16384, MkfsProfile::raid1c4, MkfsProfile::raid1, 4, "compress=zstd", 4096},
    {"", 16384, MkfsProfile::raid1, MkfsProfile::raid0, 2, "", 4096},
    {"", 16384, MkfsProfile::dup, MkfsProfile::dup, 1, "", 4096},
    {"", 16384, MkfsProfile::dup, MkfsProfile::single, 1, "", 4096, Start::full},
    {"", 16384, MkfsProfile::dup, MkfsProfile::single, 1, "", 4096, Start::kernel_made},
};
// Golden images that can be written, of all formats the kernel has made.
constexpr const char* kImages[] = {
    "balanced",     "bgt",          "cache-fst-bitmap", "cache-none",    "cache-v1",
    "comp-mixed",   "csum-blake2",  "csum-sha256",      "csum-xxhash",   "dir-big",
    "ext-frag",     "ext-prealloc", "ext-reflink",      "hardlinks",     "log-both",
    "log-data",     "log-raid1",    "meta-single",      "metadata-uuid", "mixed-bg",
    "no-holes-off", "node-4k",      "node-64k",         "old-format",    "orphans",
    "qgroups",      "raid1",        "raid10",           "raid1c3",       "subvols"};
constexpr int kOperations[] = {3, 6, 12, 12, 40};

bool have_golden() {
  static const bool have = !golden_dir().empty();
  return have;
}

}  // namespace

Setting::Setting(uint64_t seed) {
  const Choice& choice = kChoices[seed % std::size(kChoices)];
  mkfs.nodesize = choice.nodesize;
  mkfs.metadata = choice.metadata;
  mkfs.data = choice.data;
  must(apply_feature_list(choice.features, mkfs.features));
  devices = choice.devices;
  options = choice.options;
  atom = choice.atom;
  shape.operations = kOperations[seed / std::size(kChoices) % std::size(kOperations)];
  shape.fsync_percent = shape.operations <= 6 ? 45 : 30;
  start = choice.start;
  if (start == Start::kernel_made) image = kImages[seed / std::size(kChoices) % std::size(kImages)];
  if (start == Start::kernel_made && !have_golden()) start = Start::fresh, image.clear();
  text = fmt::format("{} data, {} metadata on {} devices, nodes of {}, -O '{}', -o '{}', {} operations",
                     profile_name(mkfs.data), profile_name(mkfs.metadata), devices, mkfs.nodesize,
                     choice.features, options, shape.operations);
  if (start == Start::full) text = "full, " + text;
  if (start == Start::kernel_made)
    text = fmt::format("golden image {}, {} operations", image, shape.operations);
}

// Settings of one seed share the unpacked files: nobody writes to them.
Disks golden_disks(const std::string& name) {
  static std::map<std::string, UnpackedImage> unpacked;
  auto place = unpacked.find(name);
  if (place == unpacked.end()) place = unpacked.emplace(name, UnpackedImage::golden(name)).first;
  Disks disks;
  for (const std::string& path : place->second.devices()) {
    std::shared_ptr<BlockDevice> file =
        must(open_file_device(path, {.mode = OpenMode::read_only, .lock = false}));
    disks.push_back(std::make_shared<MemoryDevice>(std::move(file)));
  }
  return disks;
}

void Setting::prepare(const Disks& disks) const {
  auto mount = must(Mount::open(share(disks), mount_options()));
  NewInode folder;
  folder.mode = S_IFDIR | 0755;
  must(create(*mount, mount->root(), kWorkFolder, folder, {}));
  if (start == Start::full) {
    NewInode file;
    file.mode = S_IFREG | 0644;
    const InodePtr filler = must(create(*mount, mount->root(), "filler", file, {}));
    uint64_t end = 0;
    for (uint64_t step = 32 << 20; step >= 4096; step /= 2)
      while (fallocate(*mount, *filler, 0, ByteRange::at(end, step))) end += step;
  }
  must(mount->close());
}

Disks Setting::make_disks() const {
  const Disks disks = start == Start::kernel_made ? golden_disks(image) : make_fresh_disks();
  if (start != Start::fresh) prepare(disks);
  return disks;
}

Disks Setting::make_fresh_disks() const {
  Disks disks;
  std::vector<BlockDevice*> raw;
  for (size_t i = 0; i < devices; ++i) {
    disks.push_back(
        std::make_shared<MemoryDevice>(mkfs.data == MkfsProfile::dup ? kDupDeviceBytes : kDeviceBytes));
    raw.push_back(disks.back().get());
  }
  must(make_filesystem(raw, mkfs));
  return disks;
}

bool Setting::one_device_may_fail() const {
  return start != Start::kernel_made && devices > 1 && raid_profile(profile_flag(mkfs.data)).tolerated > 0 &&
         raid_profile(profile_flag(mkfs.metadata)).tolerated > 0;
}

MountOptions Setting::mount_options() const {
  MountOptions parsed;
  must(parse_mount_options(options + ",commit=3600,thread_pool=1", parsed));
  return parsed;
}

}  // namespace butterfuse::crash
