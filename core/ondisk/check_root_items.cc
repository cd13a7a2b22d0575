// SPDX-License-Identifier: GPL-2.0-or-later
// Rules for ROOT_ITEM, ROOT_REF, ROOT_BACKREF and the uuid tree's items.
#include "core/ondisk/item_checks.h"
#include "core/ondisk/root_item.h"

namespace butterfuse {

namespace {

Status check_root_levels(const ItemCheck& check, const DiskRootItem& root) {
  if (root.level >= kMaxLevel)
    return check.fail("invalid root level, have {} want below {}", root.level, kMaxLevel);
  if (root.drop_level >= kMaxLevel)
    return check.fail("invalid root drop_level, have {} want below {}", root.drop_level, kMaxLevel);
  if (root.drop_progress.objectid != 0 && root.drop_level == 0)
    return check.fail("root drop_level is 0, but drop_progress is {}", to_text(root.drop_progress));
  return {};
}

Status check_root_generations(const ItemCheck& check, const DiskRootItem& root) {
  for (uint64_t generation :
       {uint64_t{root.generation}, uint64_t{root.generation_v2}, uint64_t{root.last_snapshot}})
    if (check.too_young(generation))
      return check.fail("invalid root generation, have {} want at most {}", generation,
                        check.fs.generation + 1);
  return {};
}

}  // namespace

Status check_root_item(const ItemCheck& check) {
  // The short form is of kernels before 3.6 and mkfs of that time. Kernels grow it when the root changes.
  if (check.item.size() != sizeof(DiskRootItem) && check.item.size() != kRootItemV0Bytes)
    return check.fail("invalid item size, have {} want {} or {}", check.item.size(), sizeof(DiskRootItem),
                      kRootItemV0Bytes);
  const DiskRootItem root = load_root_item(check.item);
  BF_TRY(check_root_levels(check, root));
  if (!check.full()) return {};
  if (check.key.objectid == 0) return check.fail("invalid root id, have 0");
  BF_TRY(check_root_generations(check, root));
  if (!check.sector_aligned(root.bytenr))
    return check.fail("invalid root bytenr, have {} want a multiple of {}", uint64_t{root.bytenr},
                      check.fs.sectorsize);
  if (root.flags & ~(root_flag::kReadonly | root_flag::kDead))
    return check.fail("unknown root flags, have 0x{:x}", uint64_t{root.flags});
  return {};
}

Status check_root_ref(const ItemCheck& check) {
  if (check.item.size() < sizeof(DiskRootRef))
    return check.fail("invalid item size, have {} want at least {}", check.item.size(), sizeof(DiskRootRef));
  const auto ref = load<DiskRootRef>(check.item);
  if (ref.name_len == 0 || ref.name_len > kNameMax)
    return check.fail("invalid name length, have {} want 1 to {}", uint16_t{ref.name_len}, kNameMax);
  return check.size_is(sizeof(DiskRootRef) + ref.name_len);
}

Status check_uuid_item(const ItemCheck& check) {
  if (!check.item.empty() && check.item.size() % sizeof(le64) == 0) return {};
  return check.fail("invalid item size, have {} want a multiple of {}", check.item.size(), sizeof(le64));
}

}  // namespace butterfuse
