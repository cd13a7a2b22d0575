// SPDX-License-Identifier: GPL-2.0-or-later
// OpenFiles: a list, whose nodes stay where they are.
#include "fs/fuse/open_files.h"

#include "fs/data/file.h"

namespace butterfuse {

uint64_t OpenFiles::add(std::unique_ptr<OpenFile> file) {
  std::list<Entry> fresh;
  fresh.push_back({std::move(file), {}});
  Entry& entry = fresh.front();
  entry.position = fresh.begin();
  MutexLock lock(mutex_);
  entries_.splice(entries_.end(), fresh);
  return reinterpret_cast<uint64_t>(&entry);
}

void OpenFiles::release(uint64_t handle) {
  std::list<Entry> released;  // its end, which may delete an inode, needs no lock
  MutexLock lock(mutex_);
  released.splice(released.end(), entries_, entry_of(handle).position);
}

OpenFile& OpenFiles::of(uint64_t handle) { return *entry_of(handle).file; }

std::shared_ptr<OpenFile> OpenFiles::keep(uint64_t handle) { return entry_of(handle).file; }

}  // namespace butterfuse
