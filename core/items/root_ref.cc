// Root references: listing subvolumes, and finding one by its path.
#include "core/items/root_ref.h"

#include "core/items/dir_item.h"

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

// A place in the directory tree.
struct Place {
  uint64_t root_id = objectid::kFsTree;
  uint64_t dir_ino = objectid::kFirstFree;
  bool is_subvolume = true;
};

Result<Place> step_into(Filesystem& filesystem, const Place& place, std::string_view name) {
  BF_ASSIGN(Tree * tree, filesystem.subvolume(place.root_id));
  BF_ASSIGN(auto entry, lookup_dir_entry(*tree, place.dir_ino, name));
  if (!entry)
    return make_error(ENOENT, "no \"{}\" in root {} directory {}", name, place.root_id, place.dir_ino);
  if (entry->type != file_type::kDir) return make_error(ENOTDIR, "\"{}\" is not a directory", name);
  const Key to = entry->location;
  if (to.type != key_type::kRootItem) return Place{place.root_id, to.objectid, false};
  BF_ASSIGN(bool real, subvolume_hangs_at(filesystem, to.objectid, place.root_id, place.dir_ino, name));
  if (!real) return make_error(ENOENT, "\"{}\" is the shadow of a subvolume in a snapshot", name);
  BF_ASSIGN(DiskRootItem item, filesystem.root_item(to.objectid));
  return Place{to.objectid, item.root_dirid, true};
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

Result<uint64_t> subvolume_by_path(Filesystem& filesystem, std::string_view path) {
  Place place;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == path.npos ? std::string_view() : path.substr(slash + 1);
    if (name.empty() || name == ".") continue;
    BF_ASSIGN(place, step_into(filesystem, place, name));
  }
  if (!place.is_subvolume)
    return make_error(EINVAL, "the path names a directory of subvolume {}, not a subvolume", place.root_id);
  return place.root_id;
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
