// SPDX-License-Identifier: GPL-2.0-or-later
// Text of items that tree_checker does not look into; every size is checked here.
#include <optional>
#include <vector>

#include "core/base/shown_name.h"
#include "core/ondisk/text_parts.h"

namespace butterfuse {

namespace {

std::string too_short(ByteSpan item) { return fmt::format("\t\titem of only {} bytes\n", item.size()); }

// The item as numbers of 64 bits, when it holds at least `count`.
std::optional<std::vector<uint64_t>> numbers(ByteSpan item, size_t count) {
  if (item.size() < count * sizeof(le64)) return std::nullopt;
  std::vector<uint64_t> list;
  for (size_t i = 0; i < count; ++i) list.push_back(load<le64>(item.subspan(i * sizeof(le64))));
  return list;
}

std::string qgroup_status_to_text(ByteSpan item) {
  auto n = numbers(item, 4);
  if (!n) return too_short(item);
  return fmt::format(
      "\t\tversion {} generation {} flags {} scan {}\n", (*n)[0], (*n)[1],
      flags_to_text((*n)[2], {{1, "ON"}, {2, "SCANNING"}, {4, "INCONSISTENT"}, {8, "SIMPLE_MODE"}}, "OFF"),
      (*n)[3]);
}

std::string qgroup_info_to_text(ByteSpan item) {
  auto n = numbers(item, 5);
  if (!n) return too_short(item);
  return fmt::format(
      "\t\tgeneration {}\n\t\treferenced {} referenced_compressed {}\n\t\texclusive {} exclusive_compressed "
      "{}\n",
      (*n)[0], (*n)[1], (*n)[2], (*n)[3], (*n)[4]);
}

std::string qgroup_limit_to_text(ByteSpan item) {
  auto n = numbers(item, 5);
  if (!n) return too_short(item);
  return fmt::format(
      "\t\tflags {:x}\n\t\tmax_referenced {} max_exclusive {}\n\t\trsv_referenced {} rsv_exclusive {}\n",
      (*n)[0], static_cast<int64_t>((*n)[1]), static_cast<int64_t>((*n)[2]), static_cast<int64_t>((*n)[3]),
      static_cast<int64_t>((*n)[4]));
}

std::string persistent_item_to_text(const Key& key, ByteSpan item) {
  std::string text = fmt::format("\t\tpersistent item objectid {} offset {}\n",
                                 objectid_name(key.objectid, key.type), key.offset);
  auto n = numbers(item, 5);
  if (key.objectid != objectid::kDevStats || !n) return text;
  return text + fmt::format(
                    "\t\tdevice stats\n\t\twrite_errs {} read_errs {} flush_errs {} corruption_errs {} "
                    "generation {}\n",
                    (*n)[0], (*n)[1], (*n)[2], (*n)[3], (*n)[4]);
}

// Header of a space cache (v1) file: the inode's key, then three numbers.
std::string free_space_header_to_text(ByteSpan item) {
  if (item.size() < sizeof(DiskKey)) return too_short(item);
  auto n = numbers(item.subspan(sizeof(DiskKey)), 3);
  if (!n) return too_short(item);
  return fmt::format("\t\tlocation key {}\n\t\tcache generation {} entries {} bitmaps {}\n",
                     to_text(load<DiskKey>(item)), (*n)[0], (*n)[1], (*n)[2]);
}

}  // namespace

std::string opaque_to_text(const Key& key, ByteSpan item) {
  switch (key.type) {
    case 0:
      return key.objectid == objectid::kFreeSpace ? free_space_header_to_text(item) : std::string();
    case key_type::kQgroupStatus:
      return qgroup_status_to_text(item);
    case key_type::kQgroupInfo:
      return qgroup_info_to_text(item);
    case key_type::kQgroupLimit:
      return qgroup_limit_to_text(item);
    case key_type::kPersistentItem:
      return persistent_item_to_text(key, item);
    case key_type::kTemporaryItem:
      return fmt::format("\t\ttemporary item objectid {} offset {}\n", objectid_name(key.objectid, key.type),
                         key.offset);
    case key_type::kStringItem:
      return fmt::format("\t\titem data {}\n", shown_name(as_text(item)));
    default:
      return {};
  }
}

}  // namespace butterfuse
