// MountTables: the table of one process of each mount namespace.
#include "core/device/mount_tables.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "core/base/processes.h"

namespace butterfuse {
namespace {

// File systems like btrfs have a device number of their own; then only the name says what they are on, which
// its namespace may understand otherwise than ours.
void find_place(MountedSource& mount, const std::string& root) {
  if (mount.entry.source.starts_with('/')) {
    for (const std::string& path : {root + mount.entry.source, mount.entry.source}) {
      struct stat info;
      if (::stat(path.c_str(), &info) != 0) continue;
      if (S_ISBLK(info.st_mode)) mount.block_device = info.st_rdev;
      mount.place = place_of(path);
      if (mount.place) return;
    }
  }
  if (major(mount.entry.device) == 0) return;
  mount.block_device = mount.entry.device;
  mount.place = place_of_disk(mount.entry.device);
}

std::string namespace_of(const std::string& process) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/" + process + "/ns/mnt", error).string();
}

}  // namespace

std::string MountedSource::where() const {
  return elsewhere ? fmt::format("{} (in the mount namespace of process {})", entry.mount_point, witness)
                   : entry.mount_point;
}

std::vector<MountedSource> read_mount_tables() {
  std::vector<MountedSource> mounts;
  std::set<std::string> seen;
  const auto read = [&](const std::string& process, pid_t witness) {
    const std::string root = witness == 0 ? std::string() : "/proc/" + process + "/root";
    for (MountEntry& entry : read_mount_table(process)) {
      MountedSource mount;
      mount.entry = std::move(entry);
      mount.elsewhere = witness != 0;
      mount.witness = witness;
      find_place(mount, root);
      mount.is_butterfuse = mount.entry.is_butterfuse();
      if (mount.place || mount.is_butterfuse) mounts.push_back(std::move(mount));
    }
  };
  read("self", 0);
  seen.insert(namespace_of("self"));
  for (const pid_t pid : processes()) {
    const std::string process = std::to_string(pid), space = namespace_of(process);
    if (!space.empty() && seen.insert(space).second) read(process, pid);
  }
  return mounts;
}

}  // namespace butterfuse
