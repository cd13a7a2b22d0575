// SPDX-License-Identifier: GPL-2.0-or-later
// MountState: what the inodes of a mount share.
#pragma once

#include <atomic>
#include <memory>

#include "core/base/mutex.h"
#include "core/file_data/data_engine.h"
#include "core/read/extent_reader.h"
#include "core/transaction/filesystem.h"
#include "core/verity/verity_file.h"
#include "fs/inode/dirty_inodes.h"
#include "fs/options/options.h"

namespace butterfuse {

// Filled in by Mount before the first inode is made; constant from then on, but for what guards itself.
struct MountState {
  explicit MountState(const MountOptions& wanted) : options(wanted) {}

  bool is_read_only() const { return options.read_only || filesystem->read_only(); }
  // Little space is left: promises made by the kernel's writeback cache could not be kept.
  bool space_is_low() const;

  MountOptions options;
  std::unique_ptr<Filesystem> filesystem;
  std::unique_ptr<DataEngine> engine;
  std::unique_ptr<ExtentReader> reader;
  std::unique_ptr<DirtyInodes> dirty_inodes;
  // 8 MiB of hash blocks: with SHA-256 and blocks of 4 KiB each stands for 512 KiB of its file, so that of a
  // gigabyte of sealed files each is read and hashed once.
  VerifiedBlocks verified_blocks{8u << 20};
  std::atomic<bool> shut_down{false};

  // Create, link and unlink share it, rename and rmdir have it alone: so that these two may lock several
  // directories in any order. Outermost of all locks.
  SharedMutex namespace_lock{Precedence::writers};
};

}  // namespace butterfuse
