// SPDX-License-Identifier: GPL-2.0-or-later
// Device statistics: (DEV_STATS PERSISTENT_ITEM devid).
#include "core/transaction/device_stats.h"

#include "core/base/log.h"

namespace butterfuse {
namespace {

Key stats_key(const MemberDevice& member) {
  return {objectid::kDevStats, key_type::kPersistentItem, member.devid};
}

DiskDevStats encode(const DeviceTotals& totals) {
  return {totals.write, totals.read, totals.flush, totals.corruption, totals.generation};
}

bool is_kept(const MemberDevice& member) { return member.has_item && !member.missing(); }

}  // namespace

void load_device_stats(Tree& device_tree, Volume& volume) {
  for (MemberDevice* member : volume.members()) {
    if (!is_kept(*member)) continue;
    const auto item = lookup_item(device_tree, stats_key(*member));
    if (!item) log(LogLevel::warning, "device {}: error counts: {}", member->devid, item.error().message);
    if (!item || !*item || (*item)->size() < sizeof(DiskDevStats)) continue;
    const auto disk = load<DiskDevStats>(**item);
    member->totals_on_disk = {disk.write_errs, disk.read_errs, disk.flush_errs, disk.corruption_errs,
                              disk.generation_errs};
    const DeviceTotals now = member->totals();
    member->set_totals({disk.write_errs + now.write, disk.read_errs + now.read, disk.flush_errs + now.flush,
                        disk.corruption_errs + now.corruption, disk.generation_errs + now.generation});
  }
}

bool device_stats_changed(const Volume& volume) {
  for (const MemberDevice* member : volume.members())
    if (is_kept(*member) && member->totals() != member->totals_on_disk) return true;
  return false;
}

Status write_device_stats(CowContext& context, Tree& device_tree, Volume& volume) {
  for (MemberDevice* member : volume.members()) {
    const DeviceTotals totals = member->totals();
    if (!is_kept(*member) || totals == member->totals_on_disk) continue;
    WriteCursor cursor(device_tree, context);
    BF_ASSIGN(const bool found, cursor.seek(stats_key(*member)));
    const DiskDevStats item = encode(totals);
    if (found && cursor.data().size() >= sizeof item) {
      BF_TRY(cursor.replace(item));
    } else {
      if (found) BF_TRY(cursor.remove());
      BF_TRY(cursor.insert(stats_key(*member), object_bytes(item)));
    }
    member->totals_on_disk = totals;
  }
  return {};
}

}  // namespace butterfuse
