// SPDX-License-Identifier: GPL-2.0-or-later
// Workload: random operations on a mount, with fsyncs between them, written down for the judge.
#pragma once

#include <random>
#include <vector>

#include "core/device/recording_device.h"
#include "fs/data/copy_range.h"
#include "fs/mount/mount.h"
#include "tests/crash/model.h"

namespace butterfuse::crash {

// A change, and when it was made: numbers of the trace's counter.
struct Step {
  Change change;
  uint64_t begun = 0;
  uint64_t ended = UINT64_MAX;  // its call had returned
};

// What is likely in a workload. Shapes differ: a bug that needs three operations drowns in three hundred.
struct WorkloadShape {
  int operations = 20;
  int setup = 8;           // operations before the first sync
  int fsync_percent = 30;  // of all operations
  uint32_t max_bytes = 20'000;
  bool may_fill = true;  // ENOSPC is no failure
  bool full = false;     // it may come half-way: what an operation has changed then is read back, and holds
  int names = 6;         // that are created, in each directory
};

class Workload {
 public:
  Workload(Mount& mount, Trace& trace, uint64_t seed);
  // On what is there, which is durable.
  Workload(Mount& mount, Trace& trace, uint64_t seed, const FoundTree& found);
  // Stops at the first operation that fails, and says which and why: only what must work is asked for. ENOSPC
  // is no failure if the shape says so. Whether a failed operation has changed something is open: it is the
  // last step, and never ended.
  Status run(const WorkloadShape& shape);
  const std::vector<Step>& steps() const { return steps_; }
  uint64_t root() const { return model_.root(); }
  const Model& model() const { return model_; }  // as everything is now
  uint64_t refused() const { return refused_; }  // operations, by ENOSPC

 private:
  using Kind = Change::Kind;
  void step(int fsync_percent);
  void sync();
  void fsync(uint64_t ino);
  void create();
  void write(bool append);
  void resize();
  void preallocate();
  void punch();
  void clone();
  void copy();
  void zero();
  void defragment();
  void read();
  void unlink();
  void link();
  void rename();
  void exchange();
  void set_mode();
  void set_flags();
  void set_xattr();

  // Makes the change and writes it down; `work` may fill in what only the mount knows.
  void perform(Change change, const std::function<Status(Change&)>& work);
  Status copy_what_fits(const CopyRequest& whole, Change& change);
  void note_refused(const Change& change, uint64_t begun);
  Result<std::string> content_of(uint64_t ino);
  InodePtr inode(uint64_t ino);
  uint64_t pick(bool (ModelInode::*kind)() const);  // 0: there is none
  std::pair<uint64_t, std::string> pick_name(uint64_t ino);
  std::string new_name();
  std::string data();
  bool is_below(uint64_t dir, uint64_t ancestor) const;
  uint32_t random(uint32_t below) { return static_cast<uint32_t>(random_() % below); }

  Mount& mount_;
  Trace& trace_;
  std::mt19937_64 random_;
  Model model_;
  std::vector<Step> steps_;
  Status status_;  // of the operation that failed
  uint32_t max_bytes_ = 0;
  uint64_t refused_ = 0;
  bool full_ = false;
  int names_ = 0;
  bool may_fill_ = true;
};

}  // namespace butterfuse::crash
