// SPDX-License-Identifier: GPL-2.0-or-later
// SourceName: asked of an open descriptor, since text alone can't tell where ".." leads.
// O_PATH opens what may not be read, and waits for nothing.
#include "core/device/source_name.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

std::optional<dev_t> device_number(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISBLK(info.st_mode) ? std::optional(info.st_rdev)
                                                                   : std::nullopt;
}

// /dev/dm-3 is numbered anew at each start; /dev/mapper has the name that stays.
std::string lasting_name(const std::string& name) {
  constexpr std::string_view kMapped = "/dev/dm-";
  if (!name.starts_with(kMapped)) return name;
  std::ifstream file("/sys/block/" + fs::path(name).filename().string() + "/dm/name");
  std::string mapped;
  if (!std::getline(file, mapped)) return name;
  const auto number = device_number(name);
  mapped = "/dev/mapper/" + mapped;
  return number && device_number(mapped) == number ? mapped : name;
}

}  // namespace

std::string source_name(const std::string& path) {
  std::error_code error;
  const int file = ::open(path.c_str(), O_PATH | O_CLOEXEC);
  fs::path name;
  if (file >= 0) name = fs::read_symlink("/proc/self/fd/" + std::to_string(file), error);
  if (file >= 0) ::close(file);
  if (!name.empty()) return lasting_name(name.string());
  const fs::path plain = fs::canonical(path, error);
  return error ? fs::absolute(path, error).string() : lasting_name(plain.string());
}

}  // namespace butterfuse
