// Opening the devices of a file system by name.
#include "cli/sources.h"

#include <sys/stat.h>

#include <cerrno>
#include <map>

#include "core/volume/superblock.h"

namespace butterfuse {
namespace {

// Block devices are known by their number, files by their inode.
using FileIdentity = std::pair<dev_t, ino_t>;

Status check_different(const std::vector<std::string>& paths) {
  std::map<FileIdentity, std::string> seen;
  for (const std::string& path : paths) {
    struct stat info;
    if (stat(path.c_str(), &info) != 0) continue;  // opening it will tell
    const FileIdentity identity =
        S_ISBLK(info.st_mode) ? FileIdentity{info.st_rdev, 0} : FileIdentity{info.st_dev, info.st_ino};
    const auto [first, is_new] = seen.emplace(identity, path);
    if (!is_new) return make_error(EEXIST, "{} and {} are the same device", first->second, path);
  }
  return {};
}

bool is_seed(const std::string& path) {
  auto device = open_file_device(path, {.mode = OpenMode::read_only, .lock_wait_ms = 0, .lock = false});
  if (!device) return false;
  const auto super = read_newest_super(**device);
  return super && (super->flags & super_flag::kSeeding);
}

}  // namespace

Result<BlockDevices> open_sources(const std::vector<std::string>& paths, const OpenOptions& options) {
  BF_TRY(check_different(paths));
  BlockDevices devices;
  for (const std::string& path : paths) {
    OpenOptions how = options;
    if (paths.size() > 1 && how.mode == OpenMode::read_write && is_seed(path)) how.mode = OpenMode::read_only;
    BF_ASSIGN(auto device, open_file_device(path, how));
    devices.push_back(std::move(device));
  }
  return devices;
}

}  // namespace butterfuse
