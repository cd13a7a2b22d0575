// SPDX-License-Identifier: GPL-2.0-or-later
// dump_tree: all trees of an image as text, each found by those before: chunk tree, root tree, the rest.
// Blocks are looked at for their structure only: an item that tree_checker would refuse is what a dump
// is for.
#include <algorithm>
#include <array>
#include <cerrno>

#include "core/base/uuid.h"
#include "core/check/block_walk.h"
#include "core/check/dump.h"
#include "core/check/dump_names.h"
#include "core/ondisk/to_text.h"

namespace butterfuse {

namespace {

struct FoundRoot {
  Key key;
  WalkRoot root;
};

class TreeDumper {
 public:
  TreeDumper(Volume& volume, const TextSink& sink, bool roots_only)
      : volume_(volume), sink_(sink), roots_only_(roots_only) {}

  uint64_t errors() const { return errors_; }
  void load_chunks() { load_chunk_tree(volume_, reporter()); }
  void dump_block(uint64_t bytenr);
  void dump(std::string_view title, const WalkRoot& root);
  void dump_all();
  bool dump_one(uint64_t tree_id);

 private:
  BlockWalk::ErrorSink reporter() {
    return [this](const Error& error) {
      ++errors_;
      sink_(fmt::format("ERROR: {}\n", error.message));
    };
  }
  WalkRoot root_tree() const { return {super().root, super().generation, super().root_level}; }
  WalkRoot chunk_tree() const {
    return {super().chunk_root, super().chunk_root_generation, super().chunk_root_level};
  }
  // Its generation is not that of the superblock, and no field has it.
  WalkRoot log_root_tree() const { return {super().log_root, 0, super().log_root_level}; }
  const DiskSuper& super() const { return volume_.super(); }
  std::vector<FoundRoot> roots_in(const WalkRoot& tree, bool report_errors);
  void dump_found(const FoundRoot& found);

  Volume& volume_;
  const TextSink& sink_;
  const bool roots_only_;
  uint64_t errors_ = 0;
};

void TreeDumper::dump_block(uint64_t bytenr) {
  std::vector<std::byte> block(volume_.nodesize());
  Status status = read_any_tree_block(volume_, {bytenr, 0, -1}, block, reporter());
  if (!status) return reporter()(status.error());
  sink_(tree_block_to_text(block, super()));
}

void TreeDumper::dump(std::string_view title, const WalkRoot& root) {
  if (roots_only_) {
    sink_(fmt::format("{}{} {} level {}\n", title, title.back() == ')' ? "" : ":", root.bytenr, root.level));
    return;
  }
  sink_(fmt::format("{}\n", title));
  auto visit = [this](ByteSpan block) { sink_(tree_block_to_text(block, super())); };
  BlockWalk(volume_, visit, reporter()).walk(root);
}

void TreeDumper::dump_found(const FoundRoot& found) {
  dump(fmt::format("{} key {} ", tree_title(found.key.objectid), to_text(found.key)), found.root);
}

// The ROOT_ITEMs of the root tree, or of the log root tree. `report_errors`: unless dumping it told them.
std::vector<FoundRoot> TreeDumper::roots_in(const WalkRoot& tree, bool report_errors) {
  std::vector<FoundRoot> found;
  auto visit = [&](ByteSpan block) {
    if (header_of(block).level > 0) return;
    LeafView leaf(block);
    for (uint32_t slot = 0; slot < leaf.count(); ++slot) {
      const Key key = leaf.key(slot);
      if (key.type != key_type::kRootItem) continue;
      // Items of old kernels are shorter; tree_checker has seen to it that none is longer.
      std::array<std::byte, sizeof(DiskRootItem)> whole{};
      ByteSpan item = leaf.data(slot);
      std::copy(item.begin(), item.end(), whole.begin());
      const auto root = load<DiskRootItem>(whole);
      if (root.bytenr != 0) found.push_back({key, {root.bytenr, root.generation, root.level}});
    }
  };
  auto silent = [](const Error&) {};
  BlockWalk(volume_, visit, report_errors ? reporter() : BlockWalk::ErrorSink(silent)).walk(tree);
  return found;
}

void TreeDumper::dump_all() {
  dump("root tree", root_tree());
  dump("chunk tree", chunk_tree());
  if (super().log_root != 0) dump("log root tree", log_root_tree());
  for (const FoundRoot& found : roots_in(root_tree(), roots_only_)) dump_found(found);
  if (super().log_root != 0)
    for (const FoundRoot& found : roots_in(log_root_tree(), roots_only_)) dump_found(found);
  Uuid fsid;
  std::copy(std::begin(super().fsid), std::end(super().fsid), fsid.bytes.begin());
  sink_(fmt::format("total bytes {}\nbytes used {}\nuuid {}\n", uint64_t{super().total_bytes},
                    uint64_t{super().bytes_used}, fsid.to_text()));
}

bool TreeDumper::dump_one(uint64_t tree_id) {
  if (tree_id == objectid::kRootTree) return dump("root tree", root_tree()), true;
  if (tree_id == objectid::kChunkTree) return dump("chunk tree", chunk_tree()), true;
  const bool is_log = tree_id == objectid::kTreeLog;
  if (is_log && super().log_root == 0) return false;
  if (is_log) dump("log root tree", log_root_tree());
  bool any = is_log;
  for (const FoundRoot& found : roots_in(is_log ? log_root_tree() : root_tree(), true)) {
    if (found.key.objectid != tree_id) continue;
    dump_found(found);
    any = true;
  }
  return any;
}

}  // namespace

Result<uint64_t> dump_tree(BlockDevices devices, const DumpTreeOptions& options, const TextSink& sink) {
  BF_ASSIGN(auto volume, Volume::open(std::move(devices)));
  volume->set_check_depth(TreeCheckDepth::structure);
  TreeDumper dumper(*volume, sink, options.roots_only);
  dumper.load_chunks();
  for (uint64_t bytenr : options.blocks) dumper.dump_block(bytenr);
  if (options.tree && !dumper.dump_one(*options.tree))
    return make_error(ENOENT, "{}: there is no tree {}", volume->device().path(), *options.tree);
  if (options.blocks.empty() && !options.tree) dumper.dump_all();
  return dumper.errors();
}

}  // namespace butterfuse
