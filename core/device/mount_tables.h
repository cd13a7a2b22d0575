// SPDX-License-Identifier: GPL-2.0-or-later
// MountTables: what is mounted, in this and in all other mount namespaces that can be seen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/mount_table.h"
#include "core/device/storage_place.h"

namespace butterfuse {

struct MountedSource {
  MountEntry entry;                   // as its namespace sees it
  bool elsewhere = false;             // in another mount namespace than ours
  pid_t witness = 0;                  // a process there
  std::optional<dev_t> block_device;  // what it is mounted from, where that is one
  std::optional<StoragePlace> named;  // behind the name that is shown
  // What it uses. Of a butterfuse mount: what its daemon has locked, nothing where that is out of sight.
  std::vector<StoragePlace> places;
  // Of a butterfuse mount: its daemon has been killed, and lets go of what it has locked.
  bool ends_soon = false;

  bool uses(const StoragePlace& place) const;
  // Of those whose daemon is out of sight the name that is shown must do, which may be any (fsname=).
  bool seems_to_use(const StoragePlace& place) const;
  // Nobody serves it any more: it is asked, where no daemon is seen.
  bool is_dead() const;
  // "/mnt", "/mnt (in the mount namespace of process 123)".
  std::string where() const;
};

// Those that have storage behind them, and butterfuse's. The tables of other namespaces are read as far as
// /proc shows them: an ordinary user sees those of his own processes.
std::vector<MountedSource> read_mount_tables();
// Those of our own namespace.
std::vector<MountedSource> read_own_mount_table();

}  // namespace butterfuse
