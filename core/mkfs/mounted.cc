// Reads /proc/self/mountinfo and, for loop devices, the file behind them in /sys.
#include "core/mkfs/mounted.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <sstream>

namespace butterfuse {
namespace {

// The kernel writes blanks and backslashes in paths as three octal digits.
std::string unescape(const std::string& text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '\\' && i + 3 < text.size() && text.find_first_not_of("01234567", i + 1) >= i + 4;
    plain += escaped ? static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8)) : text[i];
    if (escaped) i += 3;
  }
  return plain;
}

struct Mount {
  std::string source, mount_point;
};

// mountinfo: id parent major:minor root MOUNTPOINT options [tags...] - type SOURCE options
std::optional<Mount> parse_mount(const std::string& line) {
  std::istringstream head(line);
  std::string word, mount_point;
  for (int field = 0; field < 4; ++field) head >> word;
  head >> mount_point;
  const size_t separator = line.find(" - ");
  if (!head || separator == std::string::npos) return std::nullopt;
  std::istringstream tail(line.substr(separator + 3));
  std::string type, source;
  if (!(tail >> type >> source)) return std::nullopt;
  return Mount{unescape(source), unescape(mount_point)};
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool backs_loop_device(const struct stat& file, dev_t device) {
  std::ifstream backing(fmt::format("/sys/dev/block/{}:{}/loop/backing_file", major(device), minor(device)));
  std::string name;
  struct stat backing_file;
  return std::getline(backing, name) && stat(name.c_str(), &backing_file) == 0 &&
         is_same_file(file, backing_file);
}

bool is_source_of(const struct stat& target, const std::string& source) {
  struct stat info;
  if (source.empty() || source[0] != '/' || stat(source.c_str(), &info) != 0) return false;
  if (S_ISBLK(info.st_mode))
    return S_ISBLK(target.st_mode) ? info.st_rdev == target.st_rdev : backs_loop_device(target, info.st_rdev);
  return S_ISREG(info.st_mode) && S_ISREG(target.st_mode) && is_same_file(target, info);
}

}  // namespace

std::optional<std::string> mount_point_of(const std::string& path) {
  struct stat target;
  if (stat(path.c_str(), &target) != 0) return std::nullopt;
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);)
    if (const auto mount = parse_mount(line); mount && is_source_of(target, mount->source))
      return mount->mount_point;
  return std::nullopt;
}

}  // namespace butterfuse
