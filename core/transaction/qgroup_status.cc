// Quotas are not kept up to date yet: say so in the image before its first change, as the kernel would.
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
  if (!(status.flags & qgroup_status::kOn) || (status.flags & qgroup_status::kInconsistent)) return {};
  status.flags = status.flags | qgroup_status::kInconsistent;
  return cursor.replace(status);
}

}  // namespace butterfuse
