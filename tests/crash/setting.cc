// Setting: what there is to choose from.
#include "tests/crash/setting.h"

#include "core/device/memory_device.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::crash {
namespace {

struct Choice {
  const char* features;
  uint32_t nodesize;
  MkfsProfile metadata, data;
  size_t devices;
  const char* options;
  size_t atom;
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
};
constexpr int kOperations[] = {3, 6, 12, 12, 40};

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
  text = fmt::format("{} data, {} metadata on {} devices, nodes of {}, -O '{}', -o '{}', {} operations",
                     profile_name(mkfs.data), profile_name(mkfs.metadata), devices, mkfs.nodesize,
                     choice.features, options, shape.operations);
}

Disks Setting::make_disks() const {
  Disks disks;
  std::vector<BlockDevice*> raw;
  for (size_t i = 0; i < devices; ++i) {
    disks.push_back(std::make_shared<MemoryDevice>(kDeviceBytes));
    raw.push_back(disks.back().get());
  }
  must(make_filesystem(raw, mkfs));
  return disks;
}

MountOptions Setting::mount_options() const {
  MountOptions parsed;
  must(parse_mount_options(options + ",commit=3600,thread_pool=1", parsed));
  return parsed;
}

}  // namespace butterfuse::crash
