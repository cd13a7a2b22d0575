// Root references: listing subvolumes, and looking one up.
#include "core/items/root_ref.h"

namespace butterfuse {
namespace {

Result<SubvolumeLink> decode_link(const Key& key, ByteSpan item) {
  if (item.size() < sizeof(DiskRootRef))
    return make_error(EUCLEAN, "{}: {} bytes", to_text(key), item.size());
  const auto disk = load<DiskRootRef>(item);
  if (item.size() - sizeof(DiskRootRef) < disk.name_len)
    return make_error(EUCLEAN, "{}: name_len {} in {} bytes", to_text(key), uint16_t{disk.name_len},
                      item.size());
  return SubvolumeLink{key.objectid, key.offset, disk.dirid, disk.sequence,
                       std::string(as_text(item.subspan(sizeof(DiskRootRef), disk.name_len)))};
}

constexpr bool is_subvolume_id(uint64_t root_id) {
  return root_id >= objectid::kFirstFree && root_id <= objectid::kLastFree;
}

}  // namespace

Result<std::vector<SubvolumeLink>> list_subvolumes(Filesystem& filesystem) {
  std::vector<SubvolumeLink> links;
  ReadCursor cursor(filesystem.root_tree());
  BF_TRY(cursor.seek({objectid::kFirstFree, 0, 0}));
  while (cursor.valid() && cursor.key().objectid <= objectid::kLastFree) {
    if (cursor.key().type == key_type::kRootBackref) {
      BF_ASSIGN(SubvolumeLink link, decode_link(cursor.key(), cursor.data()));
      links.push_back(std::move(link));
    }
    BF_TRY(cursor.next());
  }
  return links;
}

Result<bool> subvolume_hangs_at(Filesystem& filesystem, uint64_t root_id, uint64_t parent_root_id,
                                uint64_t dir_ino, std::string_view name) {
  if (!is_subvolume_id(root_id)) return false;
  ReadCursor cursor(filesystem.root_tree());
  BF_ASSIGN(bool exact, cursor.seek({root_id, key_type::kRootBackref, parent_root_id}));
  if (!exact) return false;
  BF_ASSIGN(SubvolumeLink link, decode_link(cursor.key(), cursor.data()));
  return link.dir_ino == dir_ino && link.name == name;
}

}  // namespace butterfuse
