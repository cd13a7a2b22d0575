// SPDX-License-Identifier: GPL-2.0-or-later
// MountOptions: what a mount is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/delalloc/compress_choice.h"
#include "core/device/window_device.h"
#include "core/ondisk/constants.h"
#include "core/transaction/rescue.h"
#include "fs/options/id_map.h"

namespace butterfuse {

enum class AtimeMode { noatime, relatime, strictatime };

// Values only, no words to parse: what rows of the table set, and a mount works with. Each default is what a
// mount without `-o` does. Equal to another one: see same_effect().
struct MountOptions {
  bool read_only = false;
  bool write_protected = false;       // read_only because the source is, not because anyone asked for it
  std::vector<std::string> devices;   // beside the sources
  bool degraded = false;              // devices may be missing
  DeviceWindow window;                // of each source
  std::optional<std::string> subvol;  // path from subvolume 5, as written: see unescaped_option_value
  std::optional<uint64_t> subvolid;

  CompressChoice compress;  // type 0: off
  bool datacow = true;
  bool datasum = true;
  // btrfs's default. The engine's own limit (what fits a leaf, less than a sector) comes on top.
  uint32_t max_inline_bytes = 2048;
  uint32_t thread_pool = 0;         // 0: the engine's default
  uint64_t cache_bytes = 0;         // 0: as MemoryBudget has it; else at least 16 MiB
  uint32_t commit_interval_s = 30;  // btrfs's default: what a power cut may cost who never calls fsync
  bool discard = false;
  bool clear_cache = false;      // build the free space tree anew
  bool acl = true;               // POSIX access control lists
  bool tree_log = true;          // fsync writes a log tree instead of committing
  bool check_data_csums = true;  // rescue=ignoredatacsums turns it off
  bool replay_log = true;        // norecovery: leave the log tree alone; read-only
  RescueOptions rescue;          // read-only

  AtimeMode atime = AtimeMode::relatime;
  bool nodiratime = false;

  bool sync_data = false;   // sync: so is what is written
  bool sync_names = false;  // dirsync, sync: a change of names is durable when its call returns
  bool flush_on_commit = false;

  // Owners: see IdMap. With `fakeroot` the kernel checks no permission, and what is made is root's.
  IdMap uids, gids;
  uint32_t hidden_mode = 0;  // umask=: permission bits that are not shown
  bool fakeroot = false;

  // The kernel's writeback cache answers write(2) before we see the data,
  // and can't say ENOSPC: off by default.
  bool writeback_cache = false;
  bool default_permissions = true;             // the kernel checks modes
  bool suid_given = false, dev_given = false;  // one of the two words: root's default is not added then
  bool sandbox = true;                         // the daemon gives up what it does not need
  bool nosymfollow = false;
  bool auto_unmount = false;                 // no dead mount is left when the daemon was killed
  uint32_t max_read_bytes = 0;               // 0: as much as the kernel likes
  std::optional<uint32_t> mount_point_mode;  // X-mount.mkdir: a missing mount point is made, with this mode

  std::vector<std::string> fuse_options;  // handed to libfuse as they are
  std::vector<std::string> ignored;       // taken for compatibility, or passed over: without effect here
  std::string text;                       // all of the above as it was written
  bool operator==(const MountOptions&) const = default;
};

// Both ask for the same mount, in whatever words: in another order, or with words that have no effect. For a
// remount, which may only repeat what the mount lives under.
bool same_effect(MountOptions a, MountOptions b);
// Conflicts between options, once all are parsed: of two words on one subject the last one has won
// by then. EINVAL.
Status check_mount_options(const MountOptions& options);

}  // namespace butterfuse
