// SPDX-License-Identifier: GPL-2.0-or-later
// UnaskedPath: a walk along links, by readlink(2) alone at the end.
#include "cli/mounts/unasked_path.h"

#include <limits.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>

namespace butterfuse {
namespace {

namespace fs = std::filesystem;

constexpr int kLinksMax = 40;  // as the kernel: a ring of links ends there

}  // namespace

// What ".." leads out of, and a link leads to, only the kernel can tell. A mount is no symbolic link: that
// much it says of a dead one, too.
std::string unasked_mount_point(const std::string& path) {
  std::error_code error;
  fs::path place = fs::absolute(path, error);
  if (error) return path;
  for (int links = 0; links < kLinksMax; ++links) {
    while (place.has_relative_path() && (!place.has_filename() || place.filename() == "."))
      place = place.parent_path();
    if (place.filename() == "..") {
      const fs::path found = fs::canonical(place, error);
      return error ? place.string() : found.string();
    }
    const fs::path folder = fs::canonical(place.parent_path(), error);
    if (error) return place.string();
    place = folder / place.filename();
    char target[PATH_MAX];  // std::filesystem would ask what it is first
    const ssize_t length = ::readlink(place.c_str(), target, sizeof target);
    if (length < 0) break;
    place = folder / std::string_view(target, static_cast<size_t>(length));
  }
  return place.string();
}

}  // namespace butterfuse
