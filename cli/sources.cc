// SPDX-License-Identifier: GPL-2.0-or-later
// Opening the devices of a file system by name.
#include "cli/sources.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>

#include "cli/mounts/dead_mount.h"
#include "cli/process/limits.h"
#include "cli/process/standard_streams.h"
#include "core/base/numbers.h"
#include "core/device/partition_table.h"
#include "core/device/source_use.h"
#include "core/volume/superblock.h"

namespace butterfuse {
namespace {

// Block devices are known by their number, files by their inode.
using FileIdentity = std::pair<dev_t, ino_t>;

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return std::nullopt;  // opening it will tell
  return S_ISBLK(info.st_mode) ? FileIdentity{info.st_rdev, 0} : FileIdentity{info.st_dev, info.st_ino};
}

Status check_different(const std::vector<std::string>& paths) {
  std::map<FileIdentity, std::string> seen;
  for (const std::string& path : paths) {
    const auto identity = identity_of(path);
    if (!identity) continue;
    const auto [first, is_new] = seen.emplace(*identity, path);
    if (!is_new) return make_error(EEXIST, "{} and {} are the same device", first->second, path);
  }
  return {};
}

// Looked at without a lock: it may be in use by other sprouts.
bool is_seed(const std::string& path, const DeviceWindow& window) {
  auto device = open_window(path, {.mode = OpenMode::read_only, .lock_wait_ms = 0, .lock = false}, window);
  if (!device) return false;
  const auto super = read_newest_super(**device);
  return super && (super->flags & super_flag::kSeeding);
}

// Who else uses it is asked first: a mount that lives ends no sooner for being waited for. Locks, on what the
// source lies in and by open_window on the source itself, are waited for, since daemons that are ending let
// go of them in a moment.
Result<std::unique_ptr<BlockDevice>> open_source(const std::string& path, const OpenOptions& how,
                                                 const DeviceWindow& window, InUse in_use) {
  if (const Status unused = check_unused(path, how.mode, window, how.lock_wait_ms); !unused) {
    if (in_use == InUse::refuse || unused.error().code == EINTR) return tl::unexpected(unused.error());
    complain("warning: {}: what is read may be half of a change", unused.error().message);
  }
  if (how.mode == OpenMode::read_write) BF_TRY(check_file_size_limit(path));
  return open_window(path, how, window);
}

}  // namespace

std::vector<std::string> with_others(std::vector<std::string> sources, const std::vector<std::string>& more) {
  std::set<FileIdentity> seen;
  for (const std::string& path : sources)
    if (const auto identity = identity_of(path)) seen.insert(*identity);
  for (const std::string& path : more) {
    const auto identity = identity_of(path);
    if (!identity || seen.insert(*identity).second) sources.push_back(path);
  }
  return sources;
}

Result<BlockDevices> open_sources(const std::vector<std::string>& paths, const OpenOptions& options,
                                  const DeviceWindow& window, InUse in_use) {
  BF_TRY(check_different(paths));
  BlockDevices devices;
  for (const std::string& path : paths) {
    OpenOptions how = options;
    if (paths.size() > 1 && how.mode == OpenMode::read_write && is_seed(path, window))
      how.mode = OpenMode::read_only;
    auto device = open_source(path, how, window, in_use);
    if (!device) return tl::unexpected(with_dead_mount(device.error(), path));
    devices.push_back(std::move(*device));
  }
  return devices;
}

void add_window_options(CLI::App& command, WindowArguments& arguments) {
  command.add_option("--offset", arguments.offset, "where in the source the file system begins")
      ->type_name("SIZE");
  command.add_option("--sizelimit", arguments.sizelimit, "how much of the source is meant, from there on")
      ->type_name("SIZE");
  command.add_option("--part", arguments.partition, "the partition of this number (MBR or GPT)")
      ->type_name("NUMBER");
}

Result<DeviceWindow> WindowArguments::window() const {
  DeviceWindow result;
  result.partition = partition;
  if (!offset.empty()) {
    BF_ASSIGN(result.offset, parse_size(offset, "offset"));
  }
  if (!sizelimit.empty()) {
    BF_ASSIGN(result.bytes, parse_size(sizelimit, "size limit"));
  }
  return result;
}

Error with_partitions(Error error, int descriptor) {
  if (error.message.find("not a btrfs") == std::string::npos) return error;
  const auto partitions = read_partitions(descriptor);
  if (!partitions.empty())
    error.message += fmt::format("; it has partitions: {}", partitions_text(partitions));
  return error;
}

Error with_partitions(Error error, const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  error = with_partitions(std::move(error), descriptor);
  if (descriptor >= 0) ::close(descriptor);
  return error;
}

std::string named_message(const std::vector<std::string>& sources, const std::string& message) {
  const auto leads = [&](const std::string& name) { return message.starts_with(name + ": "); };
  return std::ranges::any_of(sources, leads) ? message : fmt::format("{}: {}", sources.front(), message);
}

}  // namespace butterfuse
