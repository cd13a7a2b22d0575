// SPDX-License-Identifier: GPL-2.0-or-later
// Asks libblkid for file systems, RAID members and partition tables.
// Its list of formats is longer, and kept better, than one here could be; mkfs.btrfs asks it, too.
#include "core/mkfs/signature.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace butterfuse {
namespace {

struct FreeProbe {
  void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};

std::optional<std::string> value_of(blkid_probe probe, const char* name) {
  const char* value = nullptr;
  if (blkid_probe_lookup_value(probe, name, &value, nullptr) != 0) return std::nullopt;
  return std::string(value);
}

}  // namespace

Result<std::optional<std::string>> existing_signature(const std::string& path, uint64_t offset,
                                                      uint64_t bytes) {
  // Without waiting, should it be a FIFO.
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return make_error(errno, "cannot look at {}: error {}", path, errno);
  const std::unique_ptr<const int, void (*)(const int*)> close_it(&fd, [](const int* it) { close(*it); });
  const std::unique_ptr<blkid_struct_probe, FreeProbe> probe(blkid_new_probe());
  if (!probe || blkid_probe_set_device(probe.get(), fd, static_cast<blkid_loff_t>(offset),
                                       static_cast<blkid_loff_t>(bytes)) != 0)
    return make_error(EIO, "cannot look at {}", path);
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
  blkid_probe_enable_partitions(probe.get(), 1);
  const int found = blkid_do_fullprobe(probe.get());
  if (found == 1) return std::optional<std::string>{};
  if (found < 0) return make_error(EIO, "cannot read {} to see what is on it", path);
  if (auto type = value_of(probe.get(), "TYPE")) return std::optional<std::string>{*type + " file system"};
  if (auto table = value_of(probe.get(), "PTTYPE"))
    return std::optional<std::string>{*table + " partition table"};
  return std::optional<std::string>{"unknown content"};
}

}  // namespace butterfuse
