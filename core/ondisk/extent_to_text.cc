// Text of extents, their back references, file extents and checksum items.
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

std::string data_ref_to_text(const DiskExtentDataRef& ref) {
  return fmt::format("\t\textent data backref root {} objectid {} offset {} count {}\n",
                     objectid_name(ref.root, 0), uint64_t{ref.objectid}, uint64_t{ref.offset},
                     uint32_t{ref.count});
}

// Text of the first inline ref, and how many bytes it takes; 0 when it is no ref.
size_t add_inline_ref(std::string& text, ByteSpan rest) {
  if (rest.size() < sizeof(DiskExtentInlineRef)) return 0;
  const auto ref = load<DiskExtentInlineRef>(rest);
  switch (ref.type) {
    case key_type::kTreeBlockRef:
      add_line(text, "\t\ttree block backref root {}", objectid_name(ref.offset, 0));
      return sizeof ref;
    case key_type::kSharedBlockRef:
      add_line(text, "\t\tshared block backref parent {}", uint64_t{ref.offset});
      return sizeof ref;
    case key_type::kExtentOwnerRef:
      add_line(text, "\t\textent owner root {}", uint64_t{ref.offset});
      return sizeof ref;
    case key_type::kExtentDataRef:
      if (rest.size() < 1 + sizeof(DiskExtentDataRef)) return 0;
      text += data_ref_to_text(load<DiskExtentDataRef>(rest.subspan(1)));
      return 1 + sizeof(DiskExtentDataRef);
    case key_type::kSharedDataRef: {
      if (rest.size() < sizeof ref + sizeof(DiskSharedDataRef)) return 0;
      const auto count = load<DiskSharedDataRef>(rest.subspan(sizeof ref)).count;
      add_line(text, "\t\tshared data backref parent {} count {}", uint64_t{ref.offset}, uint32_t{count});
      return sizeof ref + sizeof(DiskSharedDataRef);
    }
    default:
      return 0;
  }
}

std::string extent_item_to_text(const Key& key, ByteSpan item) {
  const auto extent = load<DiskExtentItem>(item);
  ByteSpan rest = item.subspan(sizeof extent);
  std::string text;
  add_line(text, "\t\trefs {} gen {} flags {}", uint64_t{extent.refs}, uint64_t{extent.generation},
           flags_to_text(extent.flags,
                         {{extent_flag::kData, "DATA"},
                          {extent_flag::kTreeBlock, "TREE_BLOCK"},
                          {extent_flag::kFullBackref, "FULL_BACKREF"}},
                         "none"));
  if (key.type == key_type::kMetadataItem) {
    add_line(text, "\t\ttree block skinny level {}", key.offset);
  } else if (extent.flags & extent_flag::kTreeBlock) {
    const auto info = load<DiskTreeBlockInfo>(rest);
    add_line(text, "\t\ttree block key {} level {}", to_text(info.key), info.level);
    rest = rest.subspan(sizeof info);
  }
  while (!rest.empty()) {
    const size_t size = add_inline_ref(text, rest);
    if (size == 0) break;
    rest = rest.subspan(size);
  }
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

}  // namespace

std::string extent_family_to_text(const Key& key, ByteSpan item) {
  switch (key.type) {
    case key_type::kExtentData:
      return file_extent_to_text(item);
    case key_type::kTreeBlockRef:
      return "\t\ttree block backref\n";
    case key_type::kSharedBlockRef:
      return "\t\tshared block backref\n";
    case key_type::kExtentDataRef:
      return data_ref_to_text(load<DiskExtentDataRef>(item));
    case key_type::kSharedDataRef:
      return fmt::format("\t\tshared data backref count {}\n", uint32_t{load<DiskSharedDataRef>(item).count});
    default:
      return extent_item_to_text(key, item);
  }
}

}  // namespace butterfuse
