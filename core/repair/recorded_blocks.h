// RecordedBlocks: tree blocks as the extent tree records them: the way to what a lost node led to.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/transaction/extent_item.h"

namespace butterfuse::repair {

class RecordedBlocks {
 public:
  // An EXTENT_ITEM of a tree block, or METADATA_ITEM.
  void add(const Key& key, const ExtentItem& item);
  // A reference that has an item of its own.
  void add_ref(uint64_t bytenr, const ExtentRef& ref);

  // Blocks that may have hung below `lost`, a node of `level` that tree `root` reached; others are among
  // them, which their keys tell. A node's children are recorded for the node itself (FULL_BACKREF), or for
  // the tree that owns it, which is one of those it is recorded for: another than `root`, where subvolumes
  // share it.
  std::vector<uint64_t> below(uint64_t lost, int level, uint64_t root) const;
  // Blocks of a level that nobody is recorded for.
  std::vector<uint64_t> nobodys(int level) const;

 private:
  struct Block {
    int level = -1;
    std::vector<uint64_t> roots;
    bool has_parents = false;
  };
  std::map<uint64_t, Block> blocks_;                           // by bytenr
  std::map<uint64_t, std::vector<uint64_t>> by_parent_;        // bytenr to bytenrs
  std::multimap<std::pair<int, uint64_t>, uint64_t> by_root_;  // level and root to bytenr
};

}  // namespace butterfuse::repair
