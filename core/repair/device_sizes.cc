// SPDX-License-Identifier: GPL-2.0-or-later
// Device sizes: four witnesses, of which chunks and the device itself can't be wrong.
#include "core/repair/device_sizes.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include "core/volume/device_bytes.h"
#include "core/volume/superblock.h"

namespace butterfuse::repair {
namespace {

// Sizes that a device can have, the likeliest first.
std::vector<uint64_t> possible_sizes(const MemberDevice& member, uint64_t by_item, uint64_t chunks_end,
                                     const Volume& volume) {
  std::vector<uint64_t> sizes{by_item};
  if (!member.missing()) {
    // The superblock of a stale device or of a seed is of another time: it says nothing of today's size. Of a
    // single device the total is its size. The device's own length is cut down to whole sectors.
    const auto own = read_newest_super(*member.device);
    if (own && !member.stale && !member.seed) sizes.push_back(own->dev_item.total_bytes);
    if (volume.members().size() == 1) sizes.push_back(volume.super().total_bytes);
    const uint64_t device_bytes = member.device->size_bytes();
    sizes.push_back(device_bytes - device_bytes % volume.sectorsize());
    std::erase_if(sizes, [&](uint64_t size) { return size > device_bytes; });
  }
  std::erase_if(sizes, [&](uint64_t size) { return size < chunks_end || size == 0; });
  // Every witness contradicts the chunks: the item stays as it is, and the check says so.
  if (sizes.empty()) sizes.push_back(by_item);
  return sizes;
}

uint64_t total_of(const std::map<uint64_t, uint64_t>& sizes) {
  uint64_t total = 0;
  for (const auto& [devid, size] : sizes) total += size;
  return total;
}

}  // namespace

uint64_t mend_device_sizes(std::vector<TreeItem>& chunk_tree, Volume& volume) {
  const std::map<uint64_t, uint64_t> ends = chunk_ends_of_devices(volume);
  std::map<uint64_t, std::vector<uint64_t>> possible;  // by devid
  std::map<uint64_t, uint64_t> chosen;
  const auto for_each_item = [&](const auto& visit) {
    for (TreeItem& item : chunk_tree) {
      if (item.key.type != key_type::kDevItem || item.data.size() < sizeof(DiskDevItem)) continue;
      auto device = load<DiskDevItem>(item.data);
      visit(device);
      store(MutableByteSpan(item.data), device);
    }
  };
  for_each_item([&](DiskDevItem& device) {
    const MemberDevice* member = volume.member(device.devid);
    const auto end = ends.find(device.devid);
    possible[device.devid] = member == nullptr ? std::vector<uint64_t>{device.total_bytes}
                                               : possible_sizes(*member, device.total_bytes,
                                                                end == ends.end() ? 0 : end->second, volume);
    chosen[device.devid] = possible[device.devid].front();
  });
  // The superblock's total tells which of two sizes is right, where one of them makes it come out. One device
  // is changed at a time: two whose sum alone would be right are not looked for.
  for (const auto& [devid, sizes] : possible) {
    if (total_of(chosen) == volume.super().total_bytes) break;
    const uint64_t others = total_of(chosen) - chosen[devid];
    const auto fits = std::ranges::find(sizes, volume.super().total_bytes - others);
    if (fits != sizes.end()) chosen[devid] = *fits;
  }
  for_each_item([&](DiskDevItem& device) {
    device.total_bytes = chosen[device.devid];
    volume.set_device_item(device);
  });
  return total_of(chosen);
}

Status check_devices_hold_chunks(const Volume& volume) {
  for (const auto& [devid, end] : chunk_ends_of_devices(volume)) {
    const MemberDevice* member = volume.member(devid);
    if (member == nullptr || member->missing() || end <= member->device->size_bytes()) continue;
    return make_error(
        EINVAL,
        "{}: the device has {} bytes, but what is stored on it reaches to {}: it was cut short, and a "
        "repair would give up what lies behind",
        member->device->path(), member->device->size_bytes(), end);
  }
  return {};
}

}  // namespace butterfuse::repair
