// SPDX-License-Identifier: GPL-2.0-or-later
// RecordedExtents: one pass over what can be salvaged of the extent tree.
//
// The references of a block that have items of their own come behind the block's item, since keys of one
// bytenr are sorted by type: that is why a single pass is enough.
#include "core/survey/recorded_extents.h"

#include "core/survey/salvage.h"
#include "core/survey/salvaged_tree.h"

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
      case key_type::kTreeBlockRef:
      case key_type::kSharedBlockRef:
        if (const auto counted = keyed_ref(key, item.data)) take_ref(key.objectid, counted->ref);
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
      if (counted.ref.type == key_type::kExtentDataRef) take_ref(key.objectid, counted.ref);
  }

  void take_ref(uint64_t bytenr, const ExtentRef& ref) {
    if (!ref.is_data()) return recorded_.tree_blocks.add_ref(bytenr, ref);
    note_owner({ref.root, ref.objectid, ref.offset}, bytenr);
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
