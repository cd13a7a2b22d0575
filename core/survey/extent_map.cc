// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentMap: walking the trees, and putting what was found into items.
//
// Two walks over the sound trees. The first finds which blocks their owner still reaches; only then is it
// known for each block whether it refers to its children by its owner or by itself. Both skip what was seen
// before: snapshots share most of their blocks, and without that each would cost a walk of the whole.
#include "core/survey/extent_map.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "core/check/tree_walk.h"

namespace butterfuse::repair {
namespace {

using check::TreeRoot;

void add_data_extent(ExtentMap& extents, const DiskFileExtent& extent, const ExtentRef& ref) {
  Extent& found = extents[extent.disk_bytenr];
  found.length = std::max<uint64_t>(found.length, extent.disk_num_bytes);
  // Files refer to an extent with the generation of their own item: the oldest is nearest to when it
  // was written.
  if (found.generation == 0 || extent.generation < found.generation) found.generation = extent.generation;
  found.add(ref);
}

class Collector {
 public:
  Collector(Volume& volume, const Forest& forest) : forest_(forest), state_(volume, silent_) {}

  ExtentMap run() {
    for (const auto& [id, root] : forest_.sound) find_owned(root);
    for (const auto& [id, root] : forest_.sound) collect(root);
    for (const auto& [id, items] : forest_.anew) collect(id, items);
    return std::move(extents_);
  }

 private:
  // A block whose owner's tree reaches it through blocks of the same owner refers to its children in the
  // owner's name; any other does it in its own (FULL_BACKREF). That is how copy-on-write leaves them.
  void find_owned(const TreeRoot& root) {
    check::walk_blocks(state_, root, [&](ByteSpan block) {
      if (header_of(block).owner != root.id) return false;
      return owned_.insert(header_of(block).bytenr).second;
    });
  }

  void collect(const TreeRoot& root) {
    extents_[root.bytenr].add(extent_ref_of(TreeRef{.root = root.id}));
    check::walk_blocks(state_, root, [&](ByteSpan block) {
      if (!seen_.insert(header_of(block).bytenr).second) return false;
      note_block(block);
      if (header_of(block).level == 0) {
        note_leaf(block);
      } else {
        note_node(root, block);
      }
      return true;
    });
  }

  void note_block(ByteSpan block) {
    const DiskHeader& header = header_of(block);
    Extent& extent = extents_[header.bytenr];
    extent.length = block.size();
    extent.generation = header.generation;
    extent.is_tree_block = true;
    extent.full_backref = is_full(header);
    extent.level = header.level;
    if (header.nritems > 0) extent.first_key = header.level ? NodeView(block).key(0) : LeafView(block).key(0);
  }

  bool is_full(const DiskHeader& header) const { return !owned_.contains(header.bytenr); }
  // What the block's children are referenced by: it, or (0) its owner.
  uint64_t parent_of(const DiskHeader& header) const { return is_full(header) ? uint64_t{header.bytenr} : 0; }

  void note_node(const TreeRoot& root, ByteSpan block) {
    const DiskHeader& header = header_of(block);
    const ExtentRef ref = extent_ref_of(TreeRef{.parent = parent_of(header), .root = header.owner});
    const NodeView node(block);
    for (uint32_t slot = 0; slot < node.count(); ++slot)
      if (!check::already_dropped(root, block, slot)) extents_[node.ptr(slot).blockptr].add(ref);
  }

  void note_leaf(ByteSpan block) {
    const DiskHeader& header = header_of(block);
    const LeafView leaf(block);
    for (uint32_t slot = 0; slot < leaf.count(); ++slot)
      note_item(leaf.key(slot), leaf.data(slot), header.owner, parent_of(header));
  }

  void collect(uint64_t id, const std::vector<TreeItem>& items) {
    for (const TreeItem& item : items) note_item(item.key, item.data, id, 0);
  }

  void note_item(const Key& key, ByteSpan data, uint64_t owner, uint64_t parent) {
    if (key.type != key_type::kExtentData || data.size() < sizeof(DiskFileExtent)) return;
    const auto extent = load<DiskFileExtent>(data);
    if (extent.type == file_extent_type::kInline || extent.disk_bytenr == 0) return;
    const DataRef ref{
        .parent = parent, .root = owner, .objectid = key.objectid, .offset = key.offset - extent.offset};
    add_data_extent(extents_, extent, extent_ref_of(ref));
  }

  const Forest& forest_;
  const CheckOptions silent_;
  check::CheckState state_;
  std::unordered_set<uint64_t> owned_, seen_;
  ExtentMap extents_;
};

TreeItem keyed(uint64_t bytenr, const CountedRef& counted) {
  const ExtentRef& ref = counted.ref;
  TreeItem item{{bytenr, ref.type, ref.sequence()}, std::vector<std::byte>(ref.keyed_bytes())};
  store_keyed_ref(item.data, counted);
  return item;
}

void add_items(std::vector<TreeItem>& items, uint64_t bytenr, const Extent& extent, bool skinny,
               uint32_t nodesize) {
  ExtentItem item;
  item.generation = extent.generation;
  item.flags = extent.is_tree_block ? extent_flag::kTreeBlock : extent_flag::kData;
  if (extent.full_backref) item.flags |= extent_flag::kFullBackref;
  item.has_block_info = extent.is_tree_block && !skinny;
  item.first_key = extent.first_key;
  item.level = static_cast<uint8_t>(extent.level);
  // An item with inline references takes at most a sixteenth of a leaf, as in the kernel.
  const uint32_t inline_max = (nodesize - static_cast<uint32_t>(sizeof(DiskHeader))) / 16;
  std::vector<CountedRef> behind;
  for (const CountedRef& ref : extent.refs) {
    item.refs += ref.count;
    if (item.encoded_bytes() + ref.ref.inline_bytes() <= inline_max) {
      item.insert(ref);
    } else {
      behind.push_back(ref);
    }
  }
  Key key{bytenr, key_type::kExtentItem, extent.length};
  if (extent.is_tree_block && skinny)
    key = {bytenr, key_type::kMetadataItem, static_cast<uint64_t>(extent.level)};
  items.push_back({key, item.encode()});
  std::set<Key> taken;
  for (const CountedRef& ref : behind) {
    TreeItem one = keyed(bytenr, ref);
    // Data references with the same hash lie one behind the other. As add_keyed of core/extent_tree
    // puts them.
    while (!taken.insert(one.key).second) ++one.key.offset;
    items.push_back(std::move(one));
  }
}

}  // namespace

void Extent::add(const ExtentRef& ref) {
  const auto place = std::ranges::lower_bound(refs, ref, {}, &CountedRef::ref);
  if (place == refs.end() || place->ref != ref) {
    refs.insert(place, {ref, 1});
  } else if (ref.is_data()) {
    ++place->count;  // a tree block has each reference once
  }
}

ExtentMap collect_extents(Volume& volume, const Forest& forest) {
  ExtentMap extents = Collector(volume, forest).run();
  for (auto& [bytenr, extent] : extents) {
    const auto known = forest.recorded.data.find(bytenr);
    if (!extent.is_tree_block && known != forest.recorded.data.end())
      extent.generation = known->second.generation;
  }
  return extents;
}

std::vector<TreeItem> extent_items(const ExtentMap& extents, bool skinny, uint32_t nodesize) {
  std::vector<TreeItem> items;
  for (const auto& [bytenr, extent] : extents) {
    const auto begin = static_cast<ptrdiff_t>(items.size());
    add_items(items, bytenr, extent, skinny, nodesize);
    std::ranges::sort(items.begin() + begin, items.end(), {}, &TreeItem::key);
  }
  return items;
}

}  // namespace butterfuse::repair
