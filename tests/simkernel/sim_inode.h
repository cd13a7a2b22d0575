// SPDX-License-Identifier: GPL-2.0-or-later
// SimInode: what the simulated kernel keeps of one file: its pages, its size, its locks.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "tests/simkernel/expected_file.h"

namespace butterfuse::simkernel {

constexpr uint64_t kSimPage = 4096;

struct SimPage {
  std::string bytes = std::string(kSimPage, '\0');
  bool uptodate = false, dirty = false, writeback = false, locked = false;
};

// Writeback of pages one behind the other: a copy, as of when it began.
struct PageWrite {
  uint64_t first = 0;  // page
  std::string bytes;
};

struct SimInode {
  SimInode(uint64_t node_, uint64_t ino, std::string content)
      : node(node_), size(content.size()), expected(ino, std::move(content)) {}

  const uint64_t node;  // in FUSE requests
  uint64_t size;        // i_size
  uint64_t attr_version = 1;
  bool attr_valid = true;
  bool size_unstable = false;  // a request that changes it is out
  std::map<uint64_t, SimPage> pages;
  bool locked = false;          // inode lock
  int notifications = 0;        // of the daemon's, at work on it
  int writes_out = 0;           // writeback requests without an answer
  bool no_write = false;        // none may go out
  std::list<PageWrite> queued;  // meanwhile
  // Bytes that a call is changing, in whole pages where it changes pages under those who have them mapped: a
  // program that stores into these could not say what it expects.
  std::list<std::pair<uint64_t, uint64_t>> busy;
  ExpectedFile expected;

  SimPage* find(uint64_t index) {
    const auto place = pages.find(index);
    return place == pages.end() ? nullptr : &place->second;
  }
  bool is_busy(uint64_t start, uint64_t end) const {
    for (const auto& [busy_start, busy_end] : busy)
      if (busy_start < end && start < busy_end) return true;
    return false;
  }
};

// An open file. The kernel closes it when nobody, its own writeback included, has it any more.
struct SimFile {
  SimInode& inode;
  uint64_t fh = 0;
  int users = 1;
  bool no_flush = false;
};

}  // namespace butterfuse::simkernel
