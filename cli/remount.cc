// SPDX-License-Identifier: GPL-2.0-or-later
// Remount: mount(2) with MS_REMOUNT, on behalf of mount(8).
//
// `mount -o remount,WORDS` reaches the kernel only, not the daemon: FUSE passes nothing on. So words are
// of two kinds.
//
//   flags of the kernel (kFlags)   set or cleared as asked
//   all others                     must be so already, else ENOTSUP: they would only look as if they worked
//
// mount(8) repeats all words of fstab and of the mount table, so the second kind is common. What the daemon
// lives under it says itself (user.butterfuse.options), and the words are compared by what they mean, not by
// how they are written.
//
// mount(2) takes the whole set of flags anew: what is not named again is gone. So one begins with the
// flags there are.
#include "cli/remount.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "cli/mounts/dead_mount.h"
#include "core/base/mount_table.h"
#include "fs/options/option_words.h"
#include "fs/options/parse_options.h"

namespace butterfuse {
namespace {

constexpr unsigned long kNoSymFollow = 256;  // MS_NOSYMFOLLOW, which <sys/mount.h> of glibc 2.36 has not
constexpr const char* kLiveOptions = "user.butterfuse.options";

// What the kernel keeps itself, and mount(2) changes.
struct MountFlag {
  std::string_view name;
  unsigned long bit;
  bool on;
};
constexpr MountFlag kFlags[] = {
    {"ro", MS_RDONLY, true},
    {"rw", MS_RDONLY, false},
    {"nosuid", MS_NOSUID, true},
    {"suid", MS_NOSUID, false},
    {"nodev", MS_NODEV, true},
    {"dev", MS_NODEV, false},
    {"noexec", MS_NOEXEC, true},
    {"exec", MS_NOEXEC, false},
    {"sync", MS_SYNCHRONOUS, true},
    {"async", MS_SYNCHRONOUS, false},
    {"nosymfollow", kNoSymFollow, true},
    {"symfollow", kNoSymFollow, false},
};
// What mount(2) takes away unless it is named again.
constexpr MountFlag kKept[] = {{"noatime", MS_NOATIME, true},
                               {"nodiratime", MS_NODIRATIME, true},
                               {"relatime", MS_RELATIME, true},
                               {"lazytime", MS_LAZYTIME, true},
                               {"mand", MS_MANDLOCK, true}};

template <class Visit>
void for_each_word(const std::vector<std::string>& options, Visit visit) {
  for (std::string_view text : options) {
    while (!text.empty()) {
      const std::string_view word = take_option_word(text);
      if (!word.empty()) visit(word);
    }
  }
}

Status commit_mount(const std::string& mountpoint) {
  const int directory = ::open(mountpoint.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return make_error(errno, "{}: {}", mountpoint, std::strerror(errno));
  const int result = ::ioctl(directory, BTRFS_IOC_SYNC);
  const int code = result < 0 ? errno : 0;
  ::close(directory);
  return code == 0 ? Status{} : make_error(code, "{}: sync: {}", mountpoint, std::strerror(code));
}

// The options the daemon lives under, and `ro` where it can write nothing.
Result<MountOptions> live_options(const std::string& mountpoint) {
  // A page, as mount(2) takes of options. Longer ones can't be compared: the remount fails.
  std::string text(4096, '\0');
  const ssize_t length = ::getxattr(mountpoint.c_str(), kLiveOptions, text.data(), text.size());
  if (length < 0)
    return make_error(errno, "{}: can't ask the mount for its options: {}", mountpoint, std::strerror(errno));
  text.resize(static_cast<size_t>(length));
  MountOptions options;
  BF_TRY(parse_mount_options(text, options));
  return options;
}

unsigned long current_flags(const MountEntry& info) {
  unsigned long flags = 0;
  for (const MountFlag& flag : kFlags)
    if (flag.on && (info.has(flag.name) || info.super_has(flag.name))) flags |= flag.bit;
  for (const MountFlag& flag : kKept)
    if (info.has(flag.name) || info.super_has(flag.name)) flags |= flag.bit;
  return flags;
}

// One that is no flag of the kernel's: it may only say what is so already. mount(8) repeats what it finds in
// fstab and mountinfo.
Status check_unchanged(const MountEntry& info, const MountOptions& live, std::string_view word) {
  if (info.has(word) || info.super_has(word)) return {};
  MountOptions wanted = live;
  BF_TRY(parse_mount_options(word, wanted));
  if (same_effect(live, wanted)) return {};
  return make_error(ENOTSUP, "'{}' can't be changed by a remount: unmount and mount again", word);
}

// A mount that became read-only by a remount can be made writable again: the daemon never stopped being so.
// One whose source was opened for reading, or that stopped writing after an error, can't.
Status check_written_again(const std::string& mountpoint, const MountOptions& live) {
  if (!live.read_only) return {};
  return make_error(
      EROFS, "{}: the source is open for reading only, or writing was stopped: unmount and mount again",
      mountpoint);
}

}  // namespace

bool is_remount(const std::vector<std::string>& options) {
  bool found = false;
  for_each_word(options, [&](std::string_view word) { found |= word == "remount"; });
  return found;
}

Status remount(const std::string& path, const std::vector<std::string>& options) {
  std::error_code error;
  const std::string mountpoint = std::filesystem::canonical(path, error).string();
  if (error) return make_error(error.value(), "{}: {}", path, error.message());
  const auto table = read_mount_table();
  const MountEntry* const info = find_mount_seen_at(table, mountpoint);
  if (info == nullptr || !info->is_butterfuse()) {
    if (info != nullptr && is_dead_mount(*info)) return make_error(ENOTCONN, "{}: a dead mount", path);
    return make_error(EINVAL, "{}: can't remount: no butterfuse is mounted there", path);
  }
  BF_ASSIGN(const MountOptions live, live_options(mountpoint));
  unsigned long flags = current_flags(*info);
  Status checked;
  for_each_word(options, [&](std::string_view word) {
    if (!checked || word == "remount") return;
    const auto flag = std::ranges::find(kFlags, word, &MountFlag::name);
    if (flag == std::end(kFlags)) {
      checked = check_unchanged(*info, live, word);
      return;
    }
    flags = flag->on ? flags | flag->bit : flags & ~flag->bit;
  });
  BF_TRY(checked);
  // The kernel lets no write through once it is read-only, nor does it tell us: what waits is made durable
  // before.
  if (!(flags & MS_RDONLY)) {
    if (info->has("ro") || info->super_has("ro")) BF_TRY(check_written_again(path, live));
  } else {
    BF_TRY(commit_mount(mountpoint));
  }
  if (::mount("none", mountpoint.c_str(), nullptr, MS_REMOUNT | flags, nullptr) == 0) return {};
  return make_error(errno, "{}: can't remount: {}", path, std::strerror(errno));
}

}  // namespace butterfuse
