// SPDX-License-Identifier: GPL-2.0-or-later
// Names of trees, as dump-tree titles them and takes them as arguments.
#include "core/check/dump_names.h"

#include "core/base/numbers.h"
#include "core/check/dump.h"
#include "core/ondisk/constants.h"

namespace butterfuse {

namespace {

struct TreeName {
  uint64_t id;
  std::string_view title;
  std::string_view argument;
};
constexpr TreeName kTrees[] = {{objectid::kRootTree, "root tree", "root"},
                               {objectid::kExtentTree, "extent tree", "extent"},
                               {objectid::kChunkTree, "chunk tree", "chunk"},
                               {objectid::kDevTree, "device tree", "device"},
                               {objectid::kFsTree, "fs tree", "fs"},
                               {objectid::kCsumTree, "checksum tree", "checksum"},
                               {objectid::kQuotaTree, "quota tree", "quota"},
                               {objectid::kUuidTree, "uuid tree", "uuid"},
                               {objectid::kFreeSpaceTree, "free space tree", "free-space"},
                               {objectid::kBlockGroupTree, "block group tree", "block-group"},
                               {objectid::kTreeLog, "log tree", "tree-log"},
                               {objectid::kTreeReloc, "reloc tree", "tree-reloc"},
                               {objectid::kDataRelocTree, "data reloc tree", "data-reloc"}};

}  // namespace

std::string_view tree_title(uint64_t root_id) {
  for (const TreeName& tree : kTrees)
    if (tree.id == root_id) return tree.title;
  return "file tree";
}

std::optional<uint64_t> parse_tree_id(std::string_view text) {
  for (const TreeName& tree : kTrees)
    if (tree.argument == text) return tree.id;
  if (text == "csum") return objectid::kCsumTree;
  if (text == "dev") return objectid::kDevTree;
  // The ids near 2^64 are spelled as negative numbers, too.
  if (const auto number = parse_integer<int64_t>(text)) return static_cast<uint64_t>(*number);
  return parse_integer<uint64_t>(text);
}

}  // namespace butterfuse
