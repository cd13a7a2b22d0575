// SPDX-License-Identifier: GPL-2.0-or-later
// Partition tables, read by libblkid.
// It has the checks of a GPT, the chains of logical partitions, and the sizes of sectors; extended partitions
// are left out, since they only hold others.
#include "core/device/partition_table.h"

#include <blkid/blkid.h>

#include <cerrno>
#include <memory>

namespace butterfuse {
namespace {

constexpr uint64_t kUnitBytes = 512;  // libblkid counts in these whatever the sector size

struct FreeProbe {
  void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};

std::string size_text(uint64_t bytes) {
  constexpr uint64_t kMiB = 1 << 20;
  return bytes % kMiB == 0 ? fmt::format("{} MiB", bytes / kMiB) : fmt::format("{} bytes", bytes);
}

std::vector<Partition> partitions_of(blkid_probe probe) {
  std::vector<Partition> partitions;
  const blkid_partlist list = blkid_probe_get_partitions(probe);
  const int count = list == nullptr ? 0 : blkid_partlist_numof_partitions(list);
  for (int i = 0; i < count; ++i) {
    const blkid_partition entry = blkid_partlist_get_partition(list, i);
    const auto start = blkid_partition_get_start(entry), units = blkid_partition_get_size(entry);
    const int number = blkid_partition_get_partno(entry);
    if (blkid_partition_is_extended(entry) || number <= 0 || start < 0 || units <= 0) continue;
    partitions.push_back({static_cast<uint32_t>(number), static_cast<uint64_t>(start) * kUnitBytes,
                          static_cast<uint64_t>(units) * kUnitBytes});
  }
  return partitions;
}

}  // namespace

Result<std::vector<Partition>> read_partitions(const std::string& path) {
  errno = 0;
  const std::unique_ptr<blkid_struct_probe, FreeProbe> probe(blkid_new_probe_from_filename(path.c_str()));
  if (!probe) {
    const int code = errno != 0 ? errno : EIO;
    return make_error(code, "{}: cannot look for partitions: error {}", path, code);
  }
  return partitions_of(probe.get());
}

std::vector<Partition> read_partitions(int descriptor) {
  const std::unique_ptr<blkid_struct_probe, FreeProbe> probe(blkid_new_probe());
  if (!probe || blkid_probe_set_device(probe.get(), descriptor, 0, 0) != 0) return {};
  return partitions_of(probe.get());
}

std::string partitions_text(const std::vector<Partition>& partitions) {
  std::string text;
  for (const Partition& partition : partitions)
    text += fmt::format("{}{} ({} at {})", text.empty() ? "" : ", ", partition.number,
                        size_text(partition.bytes), size_text(partition.offset));
  return text.empty() ? "none" : text;
}

Result<Partition> find_partition(const std::string& path, uint32_t number) {
  BF_ASSIGN(const std::vector<Partition> partitions, read_partitions(path));
  for (const Partition& partition : partitions)
    if (partition.number == number) return partition;
  return make_error(EINVAL, "{}: there is no partition {}; partitions: {}", path, number,
                    partitions_text(partitions));
}

}  // namespace butterfuse
