// SPDX-License-Identifier: GPL-2.0-or-later
// Partition: an entry of the partition table on a device or image file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace butterfuse {

struct Partition {
  uint32_t number = 0;  // from 1; logical ones of MBR from 5
  uint64_t offset = 0;  // bytes
  uint64_t bytes = 0;
};

// The partitions of an MBR (primary and logical) or GPT (with its checksums, else its backup at the end), as
// libblkid reads them. Empty where there is no partition table.
Result<std::vector<Partition>> read_partitions(const std::string& path);
// Of what is open already, for reading. Empty as well where it can't be read.
std::vector<Partition> read_partitions(int descriptor);
// EINVAL names those that are there.
Result<Partition> find_partition(const std::string& path, uint32_t number);
// "1 (64 MiB at 1 MiB), 2 (...)", or "none".
std::string partitions_text(const std::vector<Partition>& partitions);

}  // namespace butterfuse
