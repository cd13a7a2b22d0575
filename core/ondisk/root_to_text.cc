// SPDX-License-Identifier: GPL-2.0-or-later
// Text of root items, references between roots, and the uuid tree's items.
#include "core/base/shown_name.h"
#include "core/ondisk/named_entries.h"
#include "core/ondisk/root_item.h"
#include "core/ondisk/text_parts.h"

namespace butterfuse {

namespace {

std::string root_flags_to_text(uint64_t flags) {
  return flags_to_text(flags, {{root_flag::kReadonly, "RDONLY"}, {root_flag::kDead, "DEAD"}}, "none");
}

void add_second_half(std::string& text, const DiskRootItem& root) {
  add_line(text, "\t\tuuid {}", uuid_to_text(root.uuid));
  add_line(text, "\t\tparent_uuid {}", uuid_to_text(root.parent_uuid));
  add_line(text, "\t\treceived_uuid {}", uuid_to_text(root.received_uuid));
  add_line(text, "\t\tctransid {} otransid {} stransid {} rtransid {}", uint64_t{root.ctransid},
           uint64_t{root.otransid}, uint64_t{root.stransid}, uint64_t{root.rtransid});
  add_line(text, "\t\tctime {}", time_to_text(root.ctime));
  add_line(text, "\t\totime {}", time_to_text(root.otime));
  add_line(text, "\t\tstime {}", time_to_text(root.stime));
  add_line(text, "\t\trtime {}", time_to_text(root.rtime));
}

std::string root_item_to_text(ByteSpan item) {
  const DiskRootItem root = load_root_item(item);
  std::string text;
  add_line(text, "\t\tgeneration {} root_dirid {} bytenr {} byte_limit {} bytes_used {}",
           uint64_t{root.generation}, uint64_t{root.root_dirid}, uint64_t{root.bytenr},
           uint64_t{root.byte_limit}, uint64_t{root.bytes_used});
  add_line(text, "\t\tlast_snapshot {} flags 0x{:x}({}) refs {}", uint64_t{root.last_snapshot},
           uint64_t{root.flags}, root_flags_to_text(root.flags), uint32_t{root.refs});
  add_line(text, "\t\tdrop_progress key {} drop_level {}", to_text(root.drop_progress), root.drop_level);
  add_line(text, "\t\tlevel {} generation_v2 {}", root.level, uint64_t{root.generation_v2});
  if (root.generation_v2 == root.generation) add_second_half(text, root);
  return text;
}

std::string root_ref_to_text(const char* what, ByteSpan item) {
  const auto ref = root_ref_entry(item);
  if (!ref) return {};
  return fmt::format("\t\t{} key dirid {} sequence {} name {}\n", what, ref->dir_ino, ref->index,
                     shown_name(ref->name));
}

std::string uuid_item_to_text(ByteSpan rest) {
  std::string text;
  for (; !rest.empty(); rest = rest.subspan(sizeof(le64)))
    add_line(text, "\t\tsubvol_id {}", uint64_t{load<le64>(rest)});
  return text;
}

}  // namespace

std::string root_family_to_text(const Key& key, ByteSpan item) {
  switch (key.type) {
    case key_type::kRootItem:
      return root_item_to_text(item);
    case key_type::kRootRef:
      return root_ref_to_text("root ref", item);
    case key_type::kRootBackref:
      return root_ref_to_text("root backref", item);
    default:
      return uuid_item_to_text(item);
  }
}

}  // namespace butterfuse
