// Quota numbers as the subvolumes have them.
#pragma once

#include "core/check/check_state.h"

namespace butterfuse::check {

struct QuotaNumbers {
  uint64_t referenced = 0, exclusive = 0;  // bytes
};

// By quota group, all that the quota tree names. REQUIRES state.roots; what can't be read counts nothing.
std::map<uint64_t, QuotaNumbers> count_quotas(CheckState& state, const TreeRoot& quota_root);

}  // namespace butterfuse::check
