// Every subvolume's names and inodes, and the references that hang subvolumes into directories.
#include "core/check/subvolume_records.h"
#include "core/check/tree_walk.h"

namespace butterfuse::check {
namespace {

bool is_file_tree(const TreeRoot& root) {
  return root.id == objectid::kFsTree || root.id == objectid::kDataRelocTree ||
         (root.id >= objectid::kFirstFree && root.id <= objectid::kLastFree);
}

// ROOT_REF (parent, child) and ROOT_BACKREF (child, parent) come in equal pairs.
void check_root_refs(CheckState& state) {
  std::map<std::pair<uint64_t, uint64_t>, std::vector<std::byte>> refs, backrefs;
  walk_items(state, state.roots[objectid::kRootTree], [&](const Key& key, ByteSpan data, ByteSpan) {
    if (key.type == key_type::kRootRef) refs[{key.objectid, key.offset}] = {data.begin(), data.end()};
    if (key.type == key_type::kRootBackref) backrefs[{key.offset, key.objectid}] = {data.begin(), data.end()};
  });
  if (refs == backrefs) return;
  for (const auto& [pair, data] : refs) {
    auto other = backrefs.find(pair);
    if (other == backrefs.end() || other->second != data) {
      state.error("subvolume {}: ROOT_REF from {} has no equal ROOT_BACKREF", pair.second, pair.first);
    }
  }
  for (const auto& [pair, data] : backrefs) {
    if (!refs.contains(pair))
      state.error("subvolume {}: ROOT_BACKREF to {} has no ROOT_REF", pair.second, pair.first);
  }
}

}  // namespace

void check_subvolumes(CheckState& state) {
  uint64_t done = 0;
  for (const auto& [id, root] : state.roots) {
    state.options.on_progress("subvolumes",
                              static_cast<double>(done++) / static_cast<double>(state.roots.size()));
    if (!is_file_tree(root) || root.item.refs == 0) continue;
    SubvolumeRecords records(state, id);
    walk_items(state, root, [&](const Key& key, ByteSpan data, ByteSpan) { records.add(key, data); });
    if (!state.options.interrupted()) records.judge();
  }
  check_root_refs(state);
}

}  // namespace butterfuse::check
