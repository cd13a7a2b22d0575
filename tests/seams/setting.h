// SPDX-License-Identifier: GPL-2.0-or-later
// Setting: what the seed chooses: a course's file system, and mount options and style of each of its lives.
#pragma once

#include <string>
#include <vector>

#include "tests/seams/random.h"

namespace butterfuse::seams {

// What the threads may do to the shared files; each has a weight in a style.
enum class Act {
  write,
  append,
  store,         // through a mapping
  direct_write,  // O_DIRECT
  aio,           // several writes at once
  sync_write,    // O_SYNC, O_DSYNC
  punch,
  zero,
  preallocate,
  odd_fallocate,  // modes that FUSE or btrfs do not have
  copy,           // copy_file_range
  truncate,
  read,
  seek,
  fsync,
  fdatasync,
  msync,
  start_writeback,  // sync_file_range
  commit,           // BTRFS_IOC_SYNC
  drop_pages,       // posix_fadvise
  drop_caches,      // of the whole machine
  chattr,
  defragment,
  reopen,
  count
};

// Of an act, as a person names it; nothing if there is none with that name.
const char* name_of(Act act);

// Faults that need three calls in a row drown where thirty kinds of call are as likely: so styles differ.
struct Style {
  std::string name;
  std::vector<unsigned> weights;  // by Act
  int files = 2, zones = 3, threads = 3;
  int name_threads = 1;
  uint64_t file_bytes = 256 << 10;  // where the shared files end, at most
  uint64_t call_bytes = 64 << 10;   // of one call, about
  int calls = 60;                   // of the thread that kills
};

// A file system, for some lives.
struct CourseSetting {
  explicit CourseSetting(uint64_t number, bool never_full = false);
  uint64_t seed;
  std::vector<std::string> mkfs;  // its arguments
  uint64_t image_bytes = 128 << 20;
  uint64_t leave_bytes = 0;  // all data space but so much is taken; 0: there is enough of it
  bool fills() const { return leave_bytes != 0; }
  std::string text() const;
};

// From a mount to the kill.
struct LifeSetting {
  // `without`: acts that are left out.
  LifeSetting(const CourseSetting& course, int number, const std::string& only_style,
              const std::vector<std::string>& without);
  std::string options;  // of the mount
  bool writeback_cache = false, sync = false, dirsync = false;
  Style style;
  int delay_us = -1;         // kill so long after the start, or
  bool after_fsync = false;  // after the first fsync behind the number of calls, or after these at once
  bool clean = false;        // no kill: an unmount
  uint64_t seed;
  std::string text() const;
};

const std::vector<Style>& all_styles();

}  // namespace butterfuse::seams
