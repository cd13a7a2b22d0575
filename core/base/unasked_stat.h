// SPDX-License-Identifier: GPL-2.0-or-later
// UnaskedStat: what a file is, without a question to who serves it, or with one that has a limit.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

namespace butterfuse {

// Both follow links; nothing where there is no such file.

// Type, device and inode number, as the kernel knows them without asking anybody. Of a file that somebody has
// open, as /proc/PID/fd/N names it.
std::optional<struct stat> stat_of_open_file(const std::string& path);
// Where an absolute path begins: here, or at the root folder of another process.
struct RootFolder {
  std::string path;     // "/proc/123/root"; empty: ours
  int descriptor = -1;  // of it, if it could be opened
};
// stat(2). A file system that does not answer within a second does not have it. `path` is absolute where the
// root is another's.
std::optional<struct stat> stat_in_time(const std::string& path, const RootFolder& root = {});

// At `path`, absolute, is a FUSE mount whose server has ended: the kernel says so. What does not answer
// within a second hangs or is very busy, and that is not dead; it isn't asked again for a while.
bool is_dead_mount_at(const std::string& path);

}  // namespace butterfuse
