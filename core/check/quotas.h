// SPDX-License-Identifier: GPL-2.0-or-later
// Quota numbers: what the subvolumes have, by quota group.
#pragma once

#include "core/check/check_state.h"

namespace butterfuse::check {

struct QuotaNumbers {
  uint64_t referenced = 0, exclusive = 0;  // bytes
};

// By quota group, all that the quota tree names; empty where there is too much to count. REQUIRES
// state.roots; what can't be read counts nothing. Reads all subvolume trees once more.
std::map<uint64_t, QuotaNumbers> count_quotas(CheckState& state, const TreeRoot& quota_root);

}  // namespace butterfuse::check
