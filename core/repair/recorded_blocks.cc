// RecordedBlocks: indexes over the references of tree blocks.
#include "core/repair/recorded_blocks.h"

#include <set>

namespace butterfuse::repair {

// Keyed references follow their block's item in the tree, so that its level is known when they come.
void RecordedBlocks::add(const Key& key, const ExtentItem& item) {
  const bool skinny = key.type == key_type::kMetadataItem;
  blocks_[key.objectid].level = skinny ? static_cast<int>(key.offset) : item.level;
  for (const CountedRef& counted : item.inline_refs) add_ref(key.objectid, counted.ref);
}

void RecordedBlocks::add_ref(uint64_t bytenr, const ExtentRef& ref) {
  const auto block = blocks_.find(bytenr);
  if (block == blocks_.end()) return;
  if (ref.type == key_type::kSharedBlockRef) {
    block->second.has_parents = true;
    by_parent_[ref.parent].push_back(bytenr);
  } else if (ref.type == key_type::kTreeBlockRef) {
    block->second.roots.push_back(ref.root);
    by_root_.emplace(std::pair(block->second.level, ref.root), bytenr);
  }
}

std::vector<uint64_t> RecordedBlocks::below(uint64_t lost, int level, uint64_t root) const {
  std::set<uint64_t> roots{root};
  if (const auto block = blocks_.find(lost); block != blocks_.end())
    roots.insert(block->second.roots.begin(), block->second.roots.end());
  std::vector<uint64_t> found;
  if (const auto children = by_parent_.find(lost); children != by_parent_.end()) found = children->second;
  for (const uint64_t one : roots) {
    const auto [first, last] = by_root_.equal_range(std::pair(level - 1, one));
    for (auto block = first; block != last; ++block) found.push_back(block->second);
  }
  return found;
}

std::vector<uint64_t> RecordedBlocks::nobodys(int level) const {
  std::vector<uint64_t> found;
  for (const auto& [bytenr, block] : blocks_)
    if (block.level == level && block.roots.empty() && !block.has_parents) found.push_back(bytenr);
  return found;
}

}  // namespace butterfuse::repair
