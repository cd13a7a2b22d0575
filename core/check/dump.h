// SPDX-License-Identifier: GPL-2.0-or-later
// Dumps: superblocks and trees of a possibly damaged image as text, for people. Nothing is written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/device/block_device.h"
#include "core/volume/volume.h"

namespace butterfuse {

// Takes the text piece by piece, each a number of whole lines.
using TextSink = std::function<void(std::string_view)>;

struct DumpSuperOptions {
  bool full = false;                    // also sys_chunk_array and the backup roots
  bool all = false;                     // every mirror that fits, not only the first
  std::optional<uint64_t> bytenr = {};  // the one that lies there
};
// EUCLEAN when what was printed is no superblock (it is printed anyhow). Also the errors of reading.
Status dump_super(BlockDevice& device, const DumpSuperOptions& options, const TextSink& sink);

struct DumpTreeOptions {
  std::optional<uint64_t> tree = {};  // only the tree with this id
  std::vector<uint64_t> blocks = {};  // only these blocks, each by itself
  bool roots_only = false;            // one line for each tree
};
// Counts the blocks that could not be read; each leaves a line "ERROR: ..." in the text, and the dump goes
// on. ENOENT: no such tree. Otherwise as Volume::open.
Result<uint64_t> dump_tree(BlockDevices devices, const DumpTreeOptions& options, const TextSink& sink);

// Tree ids by number or by a name such as "root", "extent", "fs", "csum", "free-space".
std::optional<uint64_t> parse_tree_id(std::string_view text);

}  // namespace butterfuse
