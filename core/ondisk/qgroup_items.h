// SPDX-License-Identifier: GPL-2.0-or-later
// The items of the quota tree. Quota group ids are level << 48 | number; 0/N stands for subvolume N.
#pragma once

#include "core/base/le.h"

namespace butterfuse {

struct [[gnu::packed]] DiskQgroupStatus {
  le64 version, generation, flags, rescan;
};
static_assert(sizeof(DiskQgroupStatus) == 32);
namespace qgroup_status {
constexpr uint64_t kOn = 1, kRescan = 2, kInconsistent = 4, kSimple = 8;
}

struct [[gnu::packed]] DiskQgroupInfo {
  le64 generation, referenced, referenced_compressed, exclusive, exclusive_compressed;
};
static_assert(sizeof(DiskQgroupInfo) == 40);

}  // namespace butterfuse
