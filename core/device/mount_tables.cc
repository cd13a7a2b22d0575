// SPDX-License-Identifier: GPL-2.0-or-later
// MountTables: the table of one process of each mount namespace.
// Any process of a namespace shows the same table. How a table names a source its own namespace understands:
// the name is looked up below that process's root first.
#include "core/device/mount_tables.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>

#include "core/base/mount_process.h"
#include "core/base/processes.h"
#include "core/base/unasked_stat.h"
#include "core/device/storage_lock.h"

namespace butterfuse {
namespace {

// File systems like btrfs have a device number of their own; then only the name says what they are on, which
// its namespace may understand otherwise than ours.
void find_named_place(MountedSource& mount, const RootFolder& root) {
  if (mount.entry.source.starts_with('/')) {
    std::vector<RootFolder> roots{root};
    if (!root.path.empty()) roots.push_back({});
    for (const RootFolder& one : roots) {
      const auto info = stat_in_time(mount.entry.source, one);
      if (!info) continue;
      if (S_ISBLK(info->st_mode)) mount.block_device = info->st_rdev;
      mount.named = place_of(*info);
      if (mount.named) return;
    }
  }
  if (major(mount.entry.device) == 0) return;
  mount.block_device = mount.entry.device;
  mount.named = place_of_disk(mount.entry.device);
}

// What daemons have locked, asked once of each file system, however often that is mounted.
class Daemons {
 public:
  struct Daemon {
    std::vector<StoragePlace> locked;
    bool is_ending = false;
  };

  const Daemon& of(const MountEntry& mount) {
    const auto [known, is_new] = known_.try_emplace(mount.device);
    if (!is_new) return known->second;
    if (const pid_t daemon = daemon_of_mount(mount.device))
      known->second = {.locked = places_locked_by(daemon), .is_ending = is_ending(daemon)};
    return known->second;
  }

 private:
  std::map<dev_t, Daemon> known_;
};

// The name of a helper may be a stranger's: what a mount of another type is shown as counts, too.
void find_places(MountedSource& mount, Daemons& daemons) {
  if (mount.entry.is_butterfuse()) {
    const Daemons::Daemon& daemon = daemons.of(mount.entry);
    mount.places = daemon.locked;
    mount.ends_soon = daemon.is_ending;
  }
  if (mount.named && !mount.entry.is_butterfuse_by_type()) mount.places.push_back(*mount.named);
}

std::string namespace_of(const std::string& process) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/" + process + "/ns/mnt", error).string();
}

// `witness`: a process of another namespace; 0: it is our own.
std::vector<MountedSource> read_table(const std::string& process, pid_t witness, Daemons& daemons) {
  std::vector<MountedSource> mounts;
  RootFolder root;
  if (witness != 0) {
    root.path = "/proc/" + process + "/root";
    root.descriptor = ::open(root.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  }
  for (MountEntry& entry : read_mount_table(process)) {
    MountedSource mount;
    mount.entry = std::move(entry);
    mount.elsewhere = witness != 0;
    mount.witness = witness;
    find_named_place(mount, root);
    find_places(mount, daemons);
    if (mount.named || !mount.places.empty()) mounts.push_back(std::move(mount));
  }
  if (root.descriptor >= 0) ::close(root.descriptor);
  return mounts;
}

bool any_overlaps(const std::vector<StoragePlace>& places, const StoragePlace& place) {
  return std::ranges::any_of(places, [&](const StoragePlace& one) { return one.overlaps(place); });
}

}  // namespace

bool MountedSource::uses(const StoragePlace& place) const { return any_overlaps(places, place); }

bool MountedSource::seems_to_use(const StoragePlace& place) const {
  return places.empty() ? named && named->overlaps(place) : uses(place);
}

bool MountedSource::is_dead() const {
  if (!places.empty()) return false;
  const std::string root = elsewhere ? fmt::format("/proc/{}/root", witness) : "";
  return is_dead_mount_at(root + entry.mount_point);
}

std::string MountedSource::where() const {
  return elsewhere ? fmt::format("{} (in the mount namespace of process {})", entry.mount_point, witness)
                   : entry.mount_point;
}

std::vector<MountedSource> read_mount_tables() {
  Daemons daemons;
  std::vector<MountedSource> mounts = read_table("self", 0, daemons);
  std::set<std::string> seen{namespace_of("self")};
  for (const pid_t pid : processes()) {
    const std::string process = std::to_string(pid), space = namespace_of(process);
    if (!space.empty() && seen.insert(space).second)
      std::ranges::move(read_table(process, pid, daemons), std::back_inserter(mounts));
  }
  return mounts;
}

std::vector<MountedSource> read_own_mount_table() {
  Daemons daemons;
  return read_table("self", 0, daemons);
}

}  // namespace butterfuse
