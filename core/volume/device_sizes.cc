// SPDX-License-Identifier: GPL-2.0-or-later
// Device sizes: what is judged before a mount, and only told by a check.
#include "core/volume/device_sizes.h"

#include <cerrno>

namespace butterfuse {

Status check_device_sizes(const Volume& volume) {
  uint64_t total = 0;
  for (const MemberDevice* member : volume.members()) {
    const uint64_t bytes = member->item.total_bytes;
    if (member->has_item && bytes < super_mirror_offset(0) + kSuperSize)
      return make_error(EUCLEAN, "device {}: has {} bytes by its DEV_ITEM, too few for a superblock",
                        member->devid, bytes);
    if (!member->missing() && member->device->size_bytes() < bytes)
      return make_error(
          EINVAL,
          "{}: the device has {} bytes, but the file system uses {}; \"butterfuse check\" tells whether "
          "it can be repaired",
          member->device->path(), member->device->size_bytes(), bytes);
    if (!member->seed) total += bytes;
  }
  const uint64_t told = volume.super().total_bytes;
  if (volume.seeding() || total <= told) return {};
  return make_error(
      EINVAL,
      "the superblock says that all devices have {} bytes, but they have {}; \"butterfuse check --repair\" "
      "mends that",
      told, total);
}

}  // namespace butterfuse
