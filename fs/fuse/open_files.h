// SPDX-License-Identifier: GPL-2.0-or-later
// OpenFiles: what the kernel has open; it knows each file by an address.
#pragma once

#include <list>
#include <memory>

#include "core/base/mutex.h"
#include "fs/data/file.h"

namespace butterfuse {

// Thread-safe. Ends what is left with itself: a kernel whose session was interrupted releases nothing more.
class OpenFiles {
 public:
  uint64_t add(std::unique_ptr<OpenFile> file);  // the handle
  void release(uint64_t handle);
  static OpenFile& of(uint64_t handle);
  // For an operation that goes on after its answer: the kernel may release the file as soon as it has that.
  static std::shared_ptr<OpenFile> keep(uint64_t handle);

 private:
  struct Entry {
    std::shared_ptr<OpenFile> file;
    std::list<Entry>::iterator position;
  };
  // The kernel hands back what it was given, and nobody else can send requests: an address needs no table.
  static Entry& entry_of(uint64_t handle) { return *reinterpret_cast<Entry*>(handle); }

  Mutex mutex_;
  std::list<Entry> entries_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
