// SPDX-License-Identifier: GPL-2.0-or-later
// Quota status: what quota groups count is not kept up to date, and the image says so, as the kernel would.
//
// It says so before its first change. A rescan that was interrupted is over: going on, the kernel would count
// what lies behind its progress only, and call the numbers right; and with a progress of 0 it would add to
// what is there.
#include "core/ondisk/qgroup_items.h"
#include "core/transaction/commit.h"
#include "core/transaction/filesystem_state.h"

namespace butterfuse {

Status CommitDriver::mark_quotas_stale(TransactionHandle& handle) {
  auto& s = *filesystem_.state_;
  if (!s.quota_tree || s.quota_marked || s.options.quotas_are_right) return {};
  WriteCursor cursor(*s.quota_tree, handle);
  BF_ASSIGN(bool found, cursor.seek({0, key_type::kQgroupStatus, 0}));
  s.quota_marked = true;
  if (!found || cursor.data().size() < sizeof(DiskQgroupStatus)) return {};
  auto status = cursor.as<DiskQgroupStatus>();
  const uint64_t stale = (status.flags & ~qgroup_status::kRescan) | qgroup_status::kInconsistent;
  if (!(status.flags & qgroup_status::kOn) || status.flags == stale) return {};
  status.flags = stale;
  return cursor.replace(status);
}

}  // namespace butterfuse
