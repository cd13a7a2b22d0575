// SPDX-License-Identifier: GPL-2.0-or-later
// Text of tree blocks: the header, and each item or key pointer; checksums need the superblock, too.
#include "core/base/checksum.h"
#include "core/ondisk/csum_geometry.h"
#include "core/ondisk/leaf_view.h"
#include "core/ondisk/text_parts.h"
#include "core/ondisk/to_text.h"

namespace butterfuse {

namespace {

std::string header_flags_to_text(uint64_t flags) {
  constexpr uint64_t kMask = (uint64_t{1} << header_flag::kBackrefRevShift) - 1;
  return fmt::format(
      "0x{:x}({}) backref revision {}", flags & kMask,
      flags_to_text(flags & kMask, {{header_flag::kWritten, "WRITTEN"}, {header_flag::kReloc, "RELOC"}},
                    "none"),
      flags >> header_flag::kBackrefRevShift);
}

// Bytes of a leaf, pointers of a node.
uint64_t free_space(ByteSpan block) {
  const DiskHeader& header = header_of(block);
  const uint64_t room = block.size() - sizeof(DiskHeader);
  if (header.level > 0) return room / sizeof(DiskKeyPtr) - header.nritems;
  LeafView leaf(block);
  const uint64_t data_start = leaf.count() == 0 ? room : uint64_t{leaf.item(leaf.count() - 1).offset};
  return data_start - leaf.count() * sizeof(DiskItem);
}

std::string header_to_text(ByteSpan block) {
  const DiskHeader& header = header_of(block);
  const bool is_leaf = header.level == 0;
  const std::string name = fmt::format("{} {}", is_leaf ? "leaf" : "node", uint64_t{header.bytenr});
  std::string text;
  add_line(text, "{} {}items {} free space {} generation {} owner {}", name,
           is_leaf ? std::string() : fmt::format("level {} ", header.level), uint32_t{header.nritems},
           free_space(block), uint64_t{header.generation}, objectid_name(header.owner, 0));
  add_line(text, "{} flags {}", name, header_flags_to_text(header.flags));
  add_line(text, "fs uuid {}", uuid_to_text(header.fsid));
  add_line(text, "chunk uuid {}", uuid_to_text(header.chunk_tree_uuid));
  return text;
}

std::string csum_item_to_text(const Key& key, ByteSpan item, const DiskSuper& super) {
  if (super.csum_type > static_cast<uint16_t>(CsumType::blake2)) return {};
  const auto each = static_cast<uint32_t>(csum_size(static_cast<CsumType>(uint16_t{super.csum_type})));
  const CsumGeometry geometry{super.sectorsize, each};
  const ByteRange range = geometry.sectors(key.offset, item);
  return fmt::format("\t\trange start {} end {} length {}\n", range.start, range.end, range.length());
}

}  // namespace

std::string item_to_text(const Key& key, ByteSpan item) {
  switch (key.type) {
    case key_type::kInodeItem:
    case key_type::kInodeRef:
    case key_type::kInodeExtref:
    case key_type::kDirLogItem:
    case key_type::kDirLogIndex:
    case key_type::kOrphanItem:
    case key_type::kXattrItem:
    case key_type::kDirItem:
    case key_type::kDirIndex:
      return inode_family_to_text(key, item);
    case key_type::kRootItem:
    case key_type::kRootRef:
    case key_type::kRootBackref:
    case key_type::kUuidSubvol:
    case key_type::kUuidReceivedSubvol:
      return root_family_to_text(key, item);
    case key_type::kExtentData:
    case key_type::kExtentItem:
    case key_type::kMetadataItem:
    case key_type::kTreeBlockRef:
    case key_type::kSharedBlockRef:
    case key_type::kExtentDataRef:
    case key_type::kSharedDataRef:
      return extent_family_to_text(key, item);
    case key_type::kChunkItem:
    case key_type::kDevItem:
    case key_type::kDevExtent:
    case key_type::kBlockGroupItem:
    case key_type::kFreeSpaceInfo:
    case key_type::kFreeSpaceExtent:
    case key_type::kFreeSpaceBitmap:
      return chunk_family_to_text(key, item);
    default:
      return opaque_to_text(key, item);
  }
}

std::string tree_block_to_text(ByteSpan block, const DiskSuper& super) {
  std::string text = header_to_text(block);
  if (header_of(block).level > 0) {
    NodeView node(block);
    for (uint32_t slot = 0; slot < node.count(); ++slot)
      add_line(text, "\tkey {} block {} gen {}", to_text(node.key(slot)), uint64_t{node.ptr(slot).blockptr},
               uint64_t{node.ptr(slot).generation});
    return text;
  }
  LeafView leaf(block);
  for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
    const Key key = leaf.key(slot);
    const DiskItem& item = leaf.item(slot);
    add_line(text, "\titem {} key {} itemoff {} itemsize {}", slot, to_text(key), uint32_t{item.offset},
             uint32_t{item.size});
    text += key.type == key_type::kExtentCsum ? csum_item_to_text(key, leaf.data(slot), super)
                                              : item_to_text(key, leaf.data(slot));
  }
  return text;
}

}  // namespace butterfuse
