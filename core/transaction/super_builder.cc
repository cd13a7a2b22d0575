// SPDX-License-Identifier: GPL-2.0-or-later
// Building the superblock of a commit.
#include "core/transaction/super_builder.h"

#include <cstring>

namespace butterfuse {
namespace {

// The slot behind the newest backup: the four slots hold the last four commits.
int next_backup_slot(const DiskSuper& super) {
  int newest = kRootBackups - 1;
  uint64_t newest_generation = 0;
  for (int slot = 0; slot < kRootBackups; ++slot) {
    const uint64_t generation = super.super_roots[slot].tree_root_gen;
    if (generation <= newest_generation || generation > super.generation) continue;
    newest = slot, newest_generation = generation;
  }
  return (newest + 1) % kRootBackups;
}

DiskRootBackup make_backup(const DiskSuper& super, const CommitRoots& roots) {
  DiskRootBackup backup;
  std::memset(static_cast<void*>(&backup), 0, sizeof(backup));
  auto level = [](const TreeRootPointer& root) { return static_cast<uint8_t>(root.level); };
  backup.tree_root = roots.root.bytenr, backup.tree_root_gen = roots.root.generation;
  backup.tree_root_level = level(roots.root);
  backup.chunk_root = roots.chunk.bytenr, backup.chunk_root_gen = roots.chunk.generation;
  backup.chunk_root_level = level(roots.chunk);
  backup.extent_root = roots.extent.bytenr, backup.extent_root_gen = roots.extent.generation;
  backup.extent_root_level = level(roots.extent);
  backup.fs_root = roots.fs.bytenr, backup.fs_root_gen = roots.fs.generation;
  backup.fs_root_level = level(roots.fs);
  backup.dev_root = roots.device.bytenr, backup.dev_root_gen = roots.device.generation;
  backup.dev_root_level = level(roots.device);
  backup.csum_root = roots.csum.bytenr, backup.csum_root_gen = roots.csum.generation;
  backup.csum_root_level = level(roots.csum);
  backup.total_bytes = super.total_bytes;
  backup.bytes_used = roots.bytes_used;
  backup.num_devices = super.num_devices;
  return backup;
}

}  // namespace

std::string label_of(const DiskSuper& super) {
  return {super.label, strnlen(super.label, sizeof(super.label))};
}

void update_super(DiskSuper& super, const CommitRoots& roots) {
  const int slot = next_backup_slot(super);
  super.generation = roots.transid;
  super.root = roots.root.bytenr;
  super.root_level = static_cast<uint8_t>(roots.root.level);
  super.chunk_root = roots.chunk.bytenr;
  super.chunk_root_level = static_cast<uint8_t>(roots.chunk.level);
  super.chunk_root_generation = roots.chunk.generation;
  super.log_root = 0;
  super.log_root_level = 0;
  super.bytes_used = roots.bytes_used;
  super.incompat_flags = super.incompat_flags | roots.incompat;
  super.flags = super.flags | super_flag::kWritten;
  std::memset(super.label, 0, sizeof(super.label));
  std::memcpy(super.label, roots.label.data(), std::min(roots.label.size(), sizeof(super.label) - 1));
  if (roots.lone_supers) return;
  // The caches of groups that changed were given up.
  if (roots.space_caches_current) super.cache_generation = roots.transid;
  if (roots.uuid_tree_current) super.uuid_tree_generation = roots.transid;
  super.super_roots[slot] = make_backup(super, roots);
}

}  // namespace butterfuse
