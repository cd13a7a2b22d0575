// SPDX-License-Identifier: GPL-2.0-or-later
// Text of extents, their back references and file extents.
#include "core/ondisk/backrefs.h"
#include "core/ondisk/text_parts.h"

namespace butterfuse {

namespace {

const char* compression_name(uint8_t compression) {
  switch (compression) {
    case compression_type::kNone:
      return "none";
    case compression_type::kZlib:
      return "zlib";
    case compression_type::kLzo:
      return "lzo";
    case compression_type::kZstd:
      return "zstd";
    default:
      return "unknown";
  }
}

void add_ref(std::string& text, const CountedRef& counted) {
  const ExtentRef& ref = counted.ref;
  switch (ref.type) {
    case key_type::kTreeBlockRef:
      return add_line(text, "\t\ttree block backref root {}", objectid_name(ref.root, 0));
    case key_type::kSharedBlockRef:
      return add_line(text, "\t\tshared block backref parent {}", ref.parent);
    case key_type::kExtentOwnerRef:
      return add_line(text, "\t\textent owner root {}", ref.root);
    case key_type::kExtentDataRef:
      return add_line(text, "\t\textent data backref root {} objectid {} offset {} count {}",
                      objectid_name(ref.root, 0), ref.objectid, ref.offset, counted.count);
    default:
      return add_line(text, "\t\tshared data backref parent {} count {}", ref.parent, counted.count);
  }
}

std::string extent_item_to_text(const Key& key, ByteSpan item) {
  std::string text;
  const auto parts = extent_item_parts(key, item);
  if (!parts) return text;
  const DiskExtentItem& extent = parts->fixed;
  add_line(text, "\t\trefs {} gen {} flags {}", uint64_t{extent.refs}, uint64_t{extent.generation},
           flags_to_text(extent.flags,
                         {{extent_flag::kData, "DATA"},
                          {extent_flag::kTreeBlock, "TREE_BLOCK"},
                          {extent_flag::kFullBackref, "FULL_BACKREF"}},
                         "none"));
  if (key.type == key_type::kMetadataItem) {
    add_line(text, "\t\ttree block skinny level {}", key.offset);
  } else if (parts->block_info) {
    add_line(text, "\t\ttree block key {} level {}", to_text(parts->block_info->key),
             parts->block_info->level);
  }
  InlineRefs refs(parts->inline_refs);
  while (refs.next()) add_ref(text, refs.entry());
  return text;
}

std::string file_extent_to_text(ByteSpan item) {
  const auto head = load<DiskFileExtentInline>(item);
  std::string text;
  if (head.type == file_extent_type::kInline) {
    add_line(text, "\t\tgeneration {} type {} (inline)", uint64_t{head.generation}, head.type);
    add_line(text, "\t\tinline extent data size {} ram_bytes {} compression {} ({})",
             item.size() - sizeof head, uint64_t{head.ram_bytes}, head.compression,
             compression_name(head.compression));
    return text;
  }
  const auto extent = load<DiskFileExtent>(item);
  const bool prealloc = head.type == file_extent_type::kPrealloc;
  const char* what = prealloc ? "prealloc" : "extent";
  add_line(text, "\t\tgeneration {} type {} ({})", uint64_t{head.generation}, head.type,
           prealloc ? "prealloc" : "regular");
  add_line(text, "\t\t{} data disk byte {} nr {}", what, uint64_t{extent.disk_bytenr},
           uint64_t{extent.disk_num_bytes});
  if (prealloc) {
    add_line(text, "\t\tprealloc data offset {} nr {}", uint64_t{extent.offset}, uint64_t{extent.num_bytes});
    return text;
  }
  add_line(text, "\t\textent data offset {} nr {} ram {}", uint64_t{extent.offset},
           uint64_t{extent.num_bytes}, uint64_t{extent.ram_bytes});
  add_line(text, "\t\textent compression {} ({})", extent.compression, compression_name(extent.compression));
  return text;
}

// A dump says of keyed references only what is not in their keys.
std::string keyed_ref_to_text(const Key& key, ByteSpan item) {
  std::string text;
  const auto counted = keyed_ref(key, item);
  if (key.type == key_type::kTreeBlockRef) return "\t\ttree block backref\n";
  if (key.type == key_type::kSharedBlockRef) return "\t\tshared block backref\n";
  if (!counted) return text;
  if (key.type == key_type::kSharedDataRef)
    add_line(text, "\t\tshared data backref count {}", counted->count);
  else
    add_ref(text, *counted);
  return text;
}

}  // namespace

std::string extent_family_to_text(const Key& key, ByteSpan item) {
  switch (key.type) {
    case key_type::kExtentData:
      return file_extent_to_text(item);
    case key_type::kExtentItem:
    case key_type::kMetadataItem:
      return extent_item_to_text(key, item);
    default:
      return keyed_ref_to_text(key, item);
  }
}

}  // namespace butterfuse
