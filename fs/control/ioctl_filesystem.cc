// SPDX-License-Identifier: GPL-2.0-or-later
// ioctls of the whole file system: what it is, its label, making it durable, trimming and stopping it.
#include <linux/btrfs.h>
#include <linux/fs.h>

#include <cstring>

#include "core/volume/device_bytes.h"
#include "fs/control/ioctl.h"

namespace butterfuse {
namespace {

// XFS_IOC_GOINGDOWN, which ext4, f2fs and btrfs have taken over. How to go down is not passed through FUSE.
constexpr uint32_t kShutdown = _IOR('X', 125, uint32_t);

IoctlAnswer fs_info(const IoctlCall& call) {
  const DiskSuper& super = call.mount.filesystem().volume().super();
  btrfs_ioctl_fs_info_args info{};
  for (const MemberDevice* device : call.mount.filesystem().volume().members())
    info.max_id = std::max<uint64_t>(info.max_id, device->devid);
  info.num_devices = super.num_devices;
  std::memcpy(info.fsid, super.fsid, sizeof(info.fsid));
  info.nodesize = super.nodesize;
  info.sectorsize = super.sectorsize;
  info.clone_alignment = super.sectorsize;
  info.csum_type = super.csum_type;
  info.csum_size = static_cast<uint16_t>(call.mount.filesystem().csum_size_bytes());
  info.generation = call.mount.filesystem().last_committed();
  std::memcpy(info.metadata_uuid, call.mount.filesystem().volume().metadata_fsid().bytes.data(),
              sizeof(info.metadata_uuid));
  info.flags =
      BTRFS_FS_INFO_FLAG_CSUM_INFO | BTRFS_FS_INFO_FLAG_GENERATION | BTRFS_FS_INFO_FLAG_METADATA_UUID;
  return answer_of(info);
}

IoctlAnswer dev_info(const IoctlCall& call) {
  BF_ASSIGN(auto info, argument_of<btrfs_ioctl_dev_info_args>(call));
  const Volume& volume = call.mount.filesystem().volume();
  const MemberDevice* device = volume.member(info.devid);
  if (device == nullptr) return make_error(ENODEV, "no device {}", uint64_t{info.devid});
  std::memcpy(info.uuid, device->uuid.bytes.data(), sizeof(info.uuid));
  info.total_bytes = device->item.total_bytes;
  info.bytes_used = chunk_bytes_of_devices(volume)[info.devid];
  std::memset(info.path, 0, sizeof(info.path));
  if (device->missing()) return answer_of(info);
  const std::string& path = device->device->path();
  std::memcpy(info.path, path.data(), std::min(path.size(), sizeof(info.path) - 1));
  return answer_of(info);
}

IoctlAnswer dev_stats(const IoctlCall& call) {
  BF_ASSIGN(auto stats, argument_of<btrfs_ioctl_get_dev_stats>(call));
  MemberDevice* device = call.mount.filesystem().volume().member(stats.devid);
  if (device == nullptr || device->missing())
    return make_error(ENODEV, "no device {}", uint64_t{stats.devid});
  const DeviceTotals totals = device->totals();
  if (stats.flags & BTRFS_DEV_STATS_RESET) {
    BF_TRY(require_admin(call));
    BF_TRY(check_writable(IoctlEffect::changes_filesystem, call));
    device->set_totals({});  // the next commit writes it
  }
  stats.nr_items = std::min<uint64_t>(stats.nr_items, BTRFS_DEV_STAT_VALUES_MAX);
  const uint64_t values[] = {totals.write, totals.read, totals.flush, totals.corruption, totals.generation};
  std::copy(std::begin(values), std::end(values), stats.values);
  return answer_of(stats);
}

IoctlAnswer get_features(const IoctlCall& call) {
  const DiskSuper& super = call.mount.filesystem().volume().super();
  btrfs_ioctl_feature_flags features{};
  features.compat_flags = super.compat_flags;
  features.compat_ro_flags = super.compat_ro_flags;
  features.incompat_flags = super.incompat_flags;
  return answer_of(features);
}

IoctlAnswer get_label(const IoctlCall& call) {
  char label[BTRFS_LABEL_SIZE] = {};
  const std::string text = call.mount.filesystem().label();
  text.copy(label, sizeof(label) - 1);
  return answer_of(label);
}

IoctlAnswer set_label(const IoctlCall& call) {
  const std::string_view text = as_text(call.in);
  const size_t length = text.find('\0');
  if (text.size() < BTRFS_LABEL_SIZE || length >= BTRFS_LABEL_SIZE)
    return make_error(EINVAL, "a label has at most {} bytes", BTRFS_LABEL_SIZE - 1);
  call.mount.filesystem().set_label(std::string(text.substr(0, length)));
  BF_TRY(call.mount.filesystem().commit());
  return std::vector<std::byte>{};
}

IoctlAnswer sync(const IoctlCall& call) {
  if (!call.mount.is_read_only()) BF_TRY(call.mount.sync());
  return std::vector<std::byte>{};
}

// Answers with the transaction that wait_sync is to be asked for. Nobody waits here.
IoctlAnswer start_sync(const IoctlCall& call) {
  const uint64_t transid = call.mount.filesystem().running_transid();
  call.mount.filesystem().request_commit();
  return answer_of(transid);
}

// 0 means the running one. What is committed already needs no wait; what is still to come can't
// be waited for.
IoctlAnswer wait_sync(const IoctlCall& call) {
  BF_ASSIGN(const uint64_t transid, argument_of<uint64_t>(call));
  Filesystem& filesystem = call.mount.filesystem();
  if (transid > filesystem.running_transid())
    return make_error(EINVAL, "transaction {} is still to come", transid);
  if (transid == 0 || transid > filesystem.last_committed()) BF_TRY(filesystem.commit());
  return std::vector<std::byte>{};
}

IoctlAnswer trim(const IoctlCall& call) {
  BF_ASSIGN(fstrim_range range, argument_of<fstrim_range>(call));
  Filesystem& filesystem = call.mount.filesystem();
  // As btrfs has it; fstrim(8) asks for all (0 to ~0).
  if (range.len < filesystem.sectorsize() || range.start > filesystem.volume().super().total_bytes)
    return make_error(EINVAL, "trim of {} bytes at {}", uint64_t{range.len}, uint64_t{range.start});
  const uint64_t end = range.len > UINT64_MAX - range.start ? UINT64_MAX : range.start + range.len;
  range.len = filesystem.allocator().trim({range.start, end}, range.minlen);
  return answer_of(range);
}

// What was done so far is committed, as when the flags say nothing special; then nothing more is written.
IoctlAnswer shutdown(const IoctlCall& call) {
  if (!call.mount.is_read_only()) BF_TRY(call.mount.sync());
  call.mount.shut_down();
  return std::vector<std::byte>{};
}

using enum IoctlRight;
using enum IoctlEffect;
using enum IoctlLength;
constexpr IoctlCommand kCommands[] = {
    {BTRFS_IOC_FS_INFO, fs_info, none, reads, brief},
    {BTRFS_IOC_DEV_INFO, dev_info, none, reads, brief},
    // Resetting them is an administrator's.
    {BTRFS_IOC_GET_DEV_STATS, dev_stats, handler_decides, reads, brief},
    {BTRFS_IOC_GET_FEATURES, get_features, none, reads, brief},
    {BTRFS_IOC_GET_FSLABEL, get_label, none, reads, brief},
    {BTRFS_IOC_SET_FSLABEL, set_label, administer, changes_filesystem, lasts},
    {BTRFS_IOC_SYNC, sync, none, reads, lasts},
    {BTRFS_IOC_START_SYNC, start_sync, none, reads, brief},
    {BTRFS_IOC_WAIT_SYNC, wait_sync, none, reads, lasts},
    {FITRIM, trim, administer, changes_filesystem, lasts},
    // "Reads", since a read-only mount can be shut down as well.
    {kShutdown, shutdown, administer, reads, lasts},
};

}  // namespace

std::span<const IoctlCommand> filesystem_ioctls() { return kCommands; }

}  // namespace butterfuse
