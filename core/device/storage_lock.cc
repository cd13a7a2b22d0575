// SPDX-License-Identifier: GPL-2.0-or-later
// StorageLock: fcntl_locking(2) where a file can be opened, proc_locks(5) and /proc/PID/fdinfo elsewhere.
// OFD locks have no owner that the kernel would name (the pid is -1): who it is comes from the descriptors of
// all processes that can be seen.
#include "core/device/storage_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "core/base/answer_in_time.h"
#include "core/base/unasked_stat.h"

namespace butterfuse {
namespace {

struct ListedLock {
  StorageLock kind = StorageLock::none;
  StoragePlace place;
};

// "1: OFDLCK ADVISORY WRITE -1 08:01:1234 0 EOF", the last byte counted in.
std::optional<ListedLock> parse_lock(const std::string& line) {
  std::istringstream words(line);
  std::string number, type, advisory, access, process, file, start, last;
  if (!(words >> number >> type >> advisory >> access >> process >> file >> start >> last) ||
      type != "OFDLCK")
    return std::nullopt;
  unsigned major_number = 0, minor_number = 0;
  unsigned long inode = 0;
  if (std::sscanf(file.c_str(), "%x:%x:%lu", &major_number, &minor_number, &inode) != 3) return std::nullopt;
  ListedLock lock{.kind = access == "READ" ? StorageLock::shared : StorageLock::exclusive,
                  .place = {.is_file = true, .device = makedev(major_number, minor_number), .inode = inode}};
  lock.place.start = std::strtoull(start.c_str(), nullptr, 10);
  if (last != "EOF") lock.place.end = std::strtoull(last.c_str(), nullptr, 10) + 1;
  return lock;
}

StorageLock listed_lock_on(const StoragePlace& place) {
  StorageLock found = StorageLock::none;
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);)
    if (const auto lock = parse_lock(line); lock && lock->place.overlaps(place))
      found = std::max(found, lock->kind);
  return found;
}

off_t length_of(const StoragePlace& place) {
  return place.end == ~uint64_t{0} ? 0 : static_cast<off_t>(place.end - place.start);
}

struct ToldLock {
  bool opened = false, asked = false;
  struct flock lock {};
};

// A loop device opens behind whatever is under way on it, a file where its file system answers.
ToldLock told_lock(const std::string& name, const struct flock& wanted) {
  const auto told =
      answer_in_time<ToldLock>("lock of " + name, [path = name.c_str(), wanted](ToldLock& answer) {
        const int fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        answer.opened = fd >= 0;
        answer.lock = wanted;
        answer.asked = fd >= 0 && ::fcntl(fd, F_OFD_GETLK, &answer.lock) == 0;
        if (fd >= 0) ::close(fd);
      });
  if (told) return *told;
  // Somebody is busy with it.
  ToldLock busy{.opened = true, .asked = true};
  busy.lock.l_type = F_WRLCK;
  return busy;
}

}  // namespace

StorageLock lock_on(const StorageLayer& layer) {
  struct flock lock {};
  // Asked as a writer would: every lock is in its way.
  lock.l_type = F_WRLCK, lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(layer.place.start), lock.l_len = length_of(layer.place);
  const auto told = layer.name.empty() ? ToldLock{} : told_lock(layer.name, lock);
  if (!told.opened) return layer.place.is_file ? listed_lock_on(layer.place) : StorageLock::none;
  if (!told.asked || told.lock.l_type == F_UNLCK) return StorageLock::none;
  return told.lock.l_type == F_RDLCK ? StorageLock::shared : StorageLock::exclusive;
}

std::vector<StoragePlace> places_locked_by(pid_t process) {
  std::vector<StoragePlace> places;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", process), error)) {
    const auto info = stat_of_open_file(entry.path());
    if (!info || (!S_ISREG(info->st_mode) && !S_ISBLK(info->st_mode))) continue;
    std::ifstream descriptor(fmt::format("/proc/{}/fdinfo/{}", process, entry.path().filename().string()));
    constexpr std::string_view kLock = "lock:";
    for (std::string line; std::getline(descriptor, line);) {
      const auto lock = line.starts_with(kLock) ? parse_lock(line.substr(kLock.size())) : std::nullopt;
      if (!lock) continue;
      StoragePlace place{
          .is_file = S_ISREG(info->st_mode), .start = lock->place.start, .end = lock->place.end};
      place.device = place.is_file ? info->st_dev : info->st_rdev;
      if (place.is_file) place.inode = info->st_ino;
      places.push_back(place_below(place));
    }
  }
  return places;
}

}  // namespace butterfuse
