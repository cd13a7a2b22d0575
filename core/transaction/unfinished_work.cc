// SPDX-License-Identifier: GPL-2.0-or-later
// DEV_REPLACE in the device tree, and roots of TREE_RELOC.
#include "core/transaction/unfinished_work.h"

#include <cerrno>

#include "core/btree/cursor.h"

namespace butterfuse {
namespace {

constexpr Key kReplaceKey{0, key_type::kDevReplace, 0};
constexpr size_t kStateOffset = 32;  // behind the source's devid, two cursors and the mode
enum ReplaceState : uint64_t { never_started, started, finished, cancelled, suspended };

}  // namespace

Status check_no_replace(Tree& device_tree) {
  BF_ASSIGN(const auto item, lookup_item(device_tree, kReplaceKey));
  if (!item || item->size() < kStateOffset + sizeof(le64)) return {};
  const ByteSpan bytes(*item);
  const uint64_t state = load<le64>(bytes.subspan(kStateOffset));
  if (state == never_started || state == finished || state == cancelled) return {};
  return make_error(
      EROFS,
      "a device replace is under way (devid {}, {}): finish or cancel it with the kernel's btrfs; or "
      "mount read-only (-o ro)",
      uint64_t{load<le64>(bytes)}, state == suspended ? "suspended" : "started");
}

Status check_nothing_unfinished(Tree& device_tree, Tree& root_tree) {
  BF_TRY(check_no_replace(device_tree));
  ReadCursor cursor(root_tree);
  BF_TRY(cursor.seek({objectid::kTreeReloc, key_type::kRootItem, 0}));
  if (!cursor.valid() || cursor.key().objectid != objectid::kTreeReloc ||
      cursor.key().type != key_type::kRootItem)
    return {};
  return make_error(
      EROFS,
      "a balance was interrupted and left relocation trees (the first is of subvolume {}): mount it "
      "once with the kernel's btrfs, which finishes them; or read-only (-o ro)",
      cursor.key().offset);
}

}  // namespace butterfuse
