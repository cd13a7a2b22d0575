// RecordedExtents: one pass over what can be salvaged of the extent tree.
#include "core/repair/recorded_extents.h"

#include "core/repair/salvage.h"

namespace butterfuse::repair {
namespace {

class Reader {
 public:
  void take(const TreeItem& item) {
    const Key& key = item.key;
    switch (key.type) {
      case key_type::kExtentItem:
      case key_type::kMetadataItem:
        if (const auto extent = ExtentItem::decode(key, item.data)) take_extent(key, *extent);
        break;
      case key_type::kExtentDataRef:
        if (item.data.size() >= sizeof(DiskExtentDataRef)) {
          const auto ref = load<DiskExtentDataRef>(item.data);
          note_owner({ref.root, ref.objectid, ref.offset}, key.objectid);
        }
        break;
      case key_type::kTreeBlockRef:
        recorded_.tree_blocks.add_ref(key.objectid, {.type = key.type, .root = key.offset});
        break;
      case key_type::kSharedBlockRef:
        recorded_.tree_blocks.add_ref(key.objectid, {.type = key.type, .parent = key.offset});
        break;
      default:
        break;
    }
  }

  RecordedExtents result() { return std::move(recorded_); }

 private:
  void take_extent(const Key& key, const ExtentItem& extent) {
    if (key.type == key_type::kMetadataItem || (extent.flags & extent_flag::kTreeBlock))
      recorded_.tree_blocks.add(key, extent);
    if (!(extent.flags & extent_flag::kData)) return;
    recorded_.data[key.objectid] = {key.offset, extent.generation};
    for (const CountedRef& counted : extent.inline_refs)
      if (counted.ref.type == key_type::kExtentDataRef)
        note_owner({counted.ref.root, counted.ref.objectid, counted.ref.offset}, key.objectid);
  }

  // Two extents may stand for parts of a file that begin at the same place: then neither is told.
  void note_owner(const std::tuple<uint64_t, uint64_t, uint64_t>& owner, uint64_t bytenr) {
    const auto [place, is_new] = recorded_.owners.emplace(owner, bytenr);
    if (!is_new && place->second != bytenr) place->second = 0;
  }

  RecordedExtents recorded_;
};

}  // namespace

RecordedExtents read_recorded_extents(Volume& volume, const check::TreeRoot& extent_root) {
  const auto accept_all = [](const Key&, std::vector<std::byte>&) { return true; };
  const SalvagedTree tree = salvage_tree(volume, extent_root, volume.super().generation, accept_all);
  Reader reader;
  for (const TreeItem& item : tree.items) reader.take(item);
  return reader.result();
}

}  // namespace butterfuse::repair
