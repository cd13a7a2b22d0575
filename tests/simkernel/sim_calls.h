// SPDX-License-Identifier: GPL-2.0-or-later
// What the files of SimKernel's calls share: its locks as values, and content with something changed.
#pragma once

#include <fmt/format.h>

#include <optional>

#include "tests/simkernel/sim_kernel.h"

namespace butterfuse::simkernel {

class SimKernel::InodeLock {
 public:
  InodeLock(SimKernel& kernel, SimInode& inode) : inode_(inode) {
    kernel.sim_.wait_until([&] { return !inode.locked; });
    inode.locked = true;
  }
  ~InodeLock() { inode_.locked = false; }
  InodeLock(const InodeLock&) = delete;
  InodeLock& operator=(const InodeLock&) = delete;

 private:
  SimInode& inode_;
};

// Two inodes, or one, in one order: programs do not change what they copy meanwhile.
class SimKernel::TwoLocks {
 public:
  TwoLocks(SimKernel& kernel, SimInode& a, SimInode& b) : first_(kernel, a.node < b.node ? a : b) {
    if (&a != &b) second_.emplace(kernel, a.node < b.node ? b : a);
  }

 private:
  InodeLock first_;
  std::optional<InodeLock> second_;
};

// Bytes [start, end), and the rest of their pages.
class SimKernel::Busy {
 public:
  Busy(SimInode& inode, uint64_t start, uint64_t end)
      : Busy(inode, {start / kSimPage * kSimPage, page_end(end)}) {}
  // Of a write into the page cache, which leaves the other bytes of a page alone.
  static Busy bytes(SimInode& inode, uint64_t start, uint64_t end) { return Busy(inode, {start, end}); }
  ~Busy() { inode_.busy.erase(place_); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  Busy(SimInode& inode, std::pair<uint64_t, uint64_t> range)
      : inode_(inode), place_(inode.busy.insert(inode.busy.end(), range)) {}
  static uint64_t page_end(uint64_t end) {
    return end > UINT64_MAX - kSimPage ? end : (end + kSimPage - 1) / kSimPage * kSimPage;
  }

  SimInode& inode_;
  const std::list<std::pair<uint64_t, uint64_t>>::iterator place_;
};

inline std::string with_text(std::string content, uint64_t offset, std::string_view text) {
  if (content.size() < offset + text.size()) content.resize(offset + text.size(), '\0');
  return content.replace(offset, text.size(), text);
}

}  // namespace butterfuse::simkernel
