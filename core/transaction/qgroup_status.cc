// Quotas are not kept up to date yet: say so in the image before its first change, as the kernel would.
#include "core/transaction/commit.h"
#include "core/transaction/filesystem_state.h"

namespace butterfuse {
namespace {

struct [[gnu::packed]] DiskQgroupStatus {
  le64 version, generation, flags, rescan;
};
static_assert(sizeof(DiskQgroupStatus) == 32);
constexpr uint64_t kQgroupOn = 1, kQgroupInconsistent = 4;

}  // namespace

Status CommitDriver::mark_quotas_stale(TransactionHandle& handle) {
  auto& s = *filesystem_.state_;
  if (!s.quota_tree || s.quota_marked) return {};
  WriteCursor cursor(*s.quota_tree, handle);
  BF_ASSIGN(bool found, cursor.seek({0, key_type::kQgroupStatus, 0}));
  s.quota_marked = true;
  if (!found || cursor.data().size() < sizeof(DiskQgroupStatus)) return {};
  auto status = cursor.as<DiskQgroupStatus>();
  if (!(status.flags & kQgroupOn) || (status.flags & kQgroupInconsistent)) return {};
  status.flags = status.flags | kQgroupInconsistent;
  return cursor.replace(status);
}

}  // namespace butterfuse
