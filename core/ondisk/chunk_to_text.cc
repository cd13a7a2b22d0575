// SPDX-License-Identifier: GPL-2.0-or-later
// Text of chunks, devices, block groups and the free space tree.
#include "core/ondisk/chunk_view.h"
#include "core/ondisk/text_parts.h"

namespace butterfuse {

namespace {

std::string dev_item_to_text(ByteSpan item) {
  const auto device = load<DiskDevItem>(item);
  std::string text;
  add_line(text, "\t\tdevid {} total_bytes {} bytes_used {}", uint64_t{device.devid},
           uint64_t{device.total_bytes}, uint64_t{device.bytes_used});
  add_line(text, "\t\tio_align {} io_width {} sector_size {} type {}", uint32_t{device.io_align},
           uint32_t{device.io_width}, uint32_t{device.sector_size}, uint64_t{device.type});
  add_line(text, "\t\tgeneration {} start_offset {} dev_group {}", uint64_t{device.generation},
           uint64_t{device.start_offset}, uint32_t{device.dev_group});
  add_line(text, "\t\tseek_speed {} bandwidth {}", device.seek_speed, device.bandwidth);
  add_line(text, "\t\tuuid {}", uuid_to_text(device.uuid));
  add_line(text, "\t\tfsid {}", uuid_to_text(device.fsid));
  return text;
}

std::string dev_extent_to_text(ByteSpan item) {
  const auto extent = load<DiskDevExtent>(item);
  std::string text;
  add_line(text, "\t\tdev extent chunk_tree {}", uint64_t{extent.chunk_tree});
  add_line(text, "\t\tchunk_objectid {} chunk_offset {} length {}", uint64_t{extent.chunk_objectid},
           uint64_t{extent.chunk_offset}, uint64_t{extent.length});
  add_line(text, "\t\tchunk_tree_uuid {}", uuid_to_text(extent.chunk_tree_uuid));
  return text;
}

std::string block_group_to_text(ByteSpan item) {
  const auto group = load<DiskBlockGroupItem>(item);
  return fmt::format("\t\tblock group used {} chunk_objectid {} flags {}\n", uint64_t{group.used},
                     uint64_t{group.chunk_objectid}, group_type_to_text(group.flags));
}

}  // namespace

std::string chunk_to_text(ByteSpan item, int indent) {
  const std::string tabs(static_cast<size_t>(indent), '\t');
  std::string text;
  const auto view = chunk_view(item);
  if (!view) {
    add_line(text, "{}ERROR: a chunk of {} bytes", tabs, item.size());
    return text;
  }
  const DiskChunk& chunk = view->head;
  add_line(text, "{}length {} owner {} stripe_len {} type {}", tabs, uint64_t{chunk.length},
           uint64_t{chunk.owner}, uint64_t{chunk.stripe_len}, group_type_to_text(chunk.type));
  add_line(text, "{}io_align {} io_width {} sector_size {}", tabs, uint32_t{chunk.io_align},
           uint32_t{chunk.io_width}, uint32_t{chunk.sector_size});
  add_line(text, "{}num_stripes {} sub_stripes {}", tabs, uint16_t{chunk.num_stripes},
           uint16_t{chunk.sub_stripes});
  for (size_t i = 0; i < view->stripes.size(); ++i) {
    const DiskStripe& stripe = view->stripes[i];
    add_line(text, "{}\tstripe {} devid {} offset {}", tabs, i, uint64_t{stripe.devid},
             uint64_t{stripe.offset});
    add_line(text, "{}\tdev_uuid {}", tabs, uuid_to_text(stripe.dev_uuid));
  }
  return text;
}

std::string chunk_family_to_text(const Key& key, ByteSpan item) {
  switch (key.type) {
    case key_type::kChunkItem:
      return chunk_to_text(item, 2);
    case key_type::kDevItem:
      return dev_item_to_text(item);
    case key_type::kDevExtent:
      return dev_extent_to_text(item);
    case key_type::kBlockGroupItem:
      return block_group_to_text(item);
    case key_type::kFreeSpaceInfo: {
      const auto info = load<DiskFreeSpaceInfo>(item);
      return fmt::format("\t\tfree space info extent count {} flags {}\n", uint32_t{info.extent_count},
                         uint32_t{info.flags});
    }
    case key_type::kFreeSpaceExtent:
      return "\t\tfree space extent\n";
    default:
      return "\t\tfree space bitmap\n";
  }
}

}  // namespace butterfuse
