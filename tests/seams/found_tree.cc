// SPDX-License-Identifier: GPL-2.0-or-later
// Reading what a mount shows.
#include "tests/seams/found_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace butterfuse::seams {
namespace {

std::string read_content(const std::string& path, uint64_t size, std::vector<std::string>& problems) {
  std::string content(size, '\0');
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  size_t done = 0;
  while (fd >= 0 && done < size) {
    const ssize_t got = pread(fd, content.data() + done, size - done, static_cast<off_t>(done));
    if (got < 0) break;
    if (got == 0) errno = EPIPE;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  if (fd < 0 || done < size)
    problems.push_back(
        fmt::format("reading {} at {} of {} failed: {}", path, done, size, std::strerror(errno)));
  if (fd >= 0) close(fd);
  return content;
}

}  // namespace

FoundNode read_tree(const std::string& path, std::vector<std::string>& problems) {
  FoundNode node;
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    problems.push_back(fmt::format("stat {}: {}", path, std::strerror(errno)));
    return node;
  }
  node.ino = info.st_ino;
  node.nlink = info.st_nlink;
  node.is_dir = S_ISDIR(info.st_mode);
  if (!node.is_dir) {
    node.content = read_content(path, static_cast<uint64_t>(info.st_size), problems);
    return node;
  }
  DIR* const stream = opendir(path.c_str());
  if (stream == nullptr) {
    problems.push_back(fmt::format("listing {}: {}", path, std::strerror(errno)));
    return node;
  }
  while (const dirent* entry = readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") node.entries.emplace(name, read_tree(path + "/" + name, problems));
  }
  closedir(stream);
  return node;
}

}  // namespace butterfuse::seams
