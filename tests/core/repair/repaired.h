// SPDX-License-Identifier: GPL-2.0-or-later
// Repaired: damage to an image in a file, what repair makes of it, and what our check says.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/check/block_walk.h"
#include "core/repair/repair.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse {

inline std::unique_ptr<Filesystem> open_for_reading(const std::string& path) {
  return must(
      Filesystem::open(must(open_file_device(path, {.mode = OpenMode::read_only})), {.read_only = true}));
}

// With its chunk tree, for reading and writing at any bytenr.
inline std::unique_ptr<Volume> open_volume(const std::string& path) {
  auto volume = must(Volume::open(must(open_file_device(path, {}))));
  load_chunk_tree(*volume, [](const Error& error) { throw std::runtime_error(error.message); });
  return volume;
}

// Where the root of a tree lies.
inline uint64_t root_block_of(const std::string& path, uint64_t tree) {
  const auto filesystem = open_for_reading(path);
  if (tree == objectid::kRootTree) return filesystem->volume().super().root;
  if (tree == objectid::kChunkTree) return filesystem->volume().super().chunk_root;
  return must(filesystem->root_item(tree)).bytenr;
}

// Changes a tree block as no engine would, and puts its checksum right.
inline void edit_block(const std::string& path, uint64_t bytenr,
                       const std::function<void(std::vector<std::byte>& block)>& edit) {
  const auto volume = open_volume(path);
  std::vector<std::byte> block(volume->nodesize());
  must(volume->read(bytenr, block, 0));
  edit(block);
  const CsumValue sum = checksum(volume->csum_type(), ByteSpan(block).subspan(kCsumMaxBytes));
  std::copy(sum.begin(), sum.end(), block.begin());
  must(volume->write(bytenr, block, WriteKind::metadata));
}

inline void wipe(std::vector<std::byte>& block) { std::ranges::fill(block, std::byte{0}); }

// The only leaf of a tree.
inline void edit_leaf(const std::string& path, uint64_t tree,
                      const std::function<void(std::vector<std::byte>& block)>& edit) {
  edit_block(path, root_block_of(path, tree), [&](std::vector<std::byte>& block) {
    if (header_of(block).level != 0) throw std::runtime_error("not a tree of one leaf");
    edit(block);
  });
}

inline CheckSummary check_of(const std::string& path, std::string& findings) {
  CheckOptions options{.data_csums = true};
  options.on_error = [&](const std::string& finding) { findings += finding + "\n"; };
  return must(check_filesystem(must(open_file_device(path, {.mode = OpenMode::read_only})), options));
}

struct Repaired {
  uint64_t before = 0, after = 0;  // errors
  std::string actions;
};

inline Repaired repair_devices(std::vector<std::shared_ptr<BlockDevice>> devices,
                               const std::string& undo_log) {
  Repaired result;
  repair::RepairOptions options;
  options.on_action = [&](const std::string& action) { result.actions += action + "\n"; };
  repair::Repair plan(std::move(devices), options);
  must(plan.plan());
  if (plan.is_improvement()) {
    if (!undo_log.empty()) must(plan.save(undo_log));
    must(plan.write());
  }
  result.before = plan.before().errors;
  result.after = plan.after().errors;
  return result;
}

inline Repaired repair_file(const std::string& path, const std::string& undo_log) {
  return repair_devices({must(open_file_device(path, {}))}, undo_log);
}

}  // namespace butterfuse
