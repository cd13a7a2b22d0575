// SPDX-License-Identifier: GPL-2.0-or-later
// RequestCounts: names for numbers.
#include "fs/mount/request_counts.h"

#include <fmt/format.h>

#include <string_view>

namespace butterfuse {
namespace {

// As the kernel calls them, without FUSE_; by number.
constexpr std::array<std::string_view, 54> kNames = {"others",       "lookup",
                                                     "forget",       "getattr",
                                                     "setattr",      "readlink",
                                                     "symlink",      "",
                                                     "mknod",        "mkdir",
                                                     "unlink",       "rmdir",
                                                     "rename",       "link",
                                                     "open",         "read",
                                                     "write",        "statfs",
                                                     "release",      "",
                                                     "fsync",        "setxattr",
                                                     "getxattr",     "listxattr",
                                                     "removexattr",  "flush",
                                                     "init",         "opendir",
                                                     "readdir",      "releasedir",
                                                     "fsyncdir",     "getlk",
                                                     "setlk",        "setlkw",
                                                     "access",       "create",
                                                     "interrupt",    "bmap",
                                                     "destroy",      "ioctl",
                                                     "poll",         "notify_reply",
                                                     "batch_forget", "fallocate",
                                                     "readdirplus",  "rename2",
                                                     "lseek",        "copy_file_range",
                                                     "setupmapping", "removemapping",
                                                     "syncfs",       "tmpfile",
                                                     "statx",        "copy_file_range_64"};
constexpr uint32_t kMknod = 8, kCreate = 35, kUnnamed = 51;  // FUSE_TMPFILE

}  // namespace

std::string RequestCounts::text() const {
  std::string text;
  uint64_t all = 0;
  for (uint32_t opcode = 0; opcode < counts_.size(); ++opcode) {
    const uint64_t count = of(opcode);
    all += count;
    if (count == 0) continue;
    const std::string_view name = opcode < kNames.size() ? kNames[opcode] : "";
    text += name.empty() ? fmt::format("requests_{} {}\n", opcode, count)
                         : fmt::format("requests_{} {}\n", name, count);
  }
  text += fmt::format("requests {}\n", all);
  if (const uint64_t files = of(kMknod) + of(kCreate) + of(kUnnamed); files > 0)
    text += fmt::format("requests_per_file {:.2f}\n", static_cast<double>(all) / static_cast<double>(files));
  return text;
}

}  // namespace butterfuse
