// MountTables: what is mounted, in this and in all other mount namespaces that can be seen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/device/storage_place.h"

namespace butterfuse {

struct MountedSource {
  std::string type;             // "btrfs", "fuse.butterfuse"
  std::string source;           // as it was named to mount(2)
  std::string mount_point;      // as its namespace sees it
  bool read_only = false;       // the file system itself, not only this mount of it
  bool elsewhere = false;       // in another mount namespace than ours
  pid_t witness = 0;            // a process there
  std::optional<dev_t> device;  // what it is mounted from, where that is a block device
  std::optional<StoragePlace> place;

  bool by_butterfuse() const {
    return type == "fuse.butterfuse" || type == "fuseblk";
  }  // a block device has no subtype
  // "/mnt", "/mnt (in the mount namespace of process 123)".
  std::string where() const;
};

// Those that have storage behind them. The tables of other namespaces are read as far as /proc shows them:
// an ordinary user sees those of his own processes.
std::vector<MountedSource> read_mount_tables();

}  // namespace butterfuse
