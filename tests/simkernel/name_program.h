// SPDX-License-Identifier: GPL-2.0-or-later
// NameProgram: creates, links, renames and deletes in a folder of its own, and writes down what is promised.
#pragma once

#include <random>
#include <vector>

#include "tests/crash/workload.h"
#include "tests/simkernel/sim_names.h"

namespace butterfuse::simkernel {

struct NameShape {
  int operations = 12;
  int fsync_percent = 20;
  bool writeback_cache = false;
};

// Works with names only through the entry cache. A step counts from before its first request to
// behind its last answer; what an inode with S, or a directory with D, promises is a step of its own,
// which ends with the call.
class NameProgram {
 public:
  // `folder`: an empty directory that nobody else works in, `ino` its number.
  NameProgram(SimThreads& sim, Trace& trace, FuseChannel& channel, SimKernel& kernel, uint64_t folder,
              uint64_t ino, const NameShape& shape, uint64_t seed);
  void run();

  const crash::Model& model() const { return model_; }
  const std::vector<crash::Step>& steps() const { return steps_; }
  const std::vector<std::string>& problems() const { return names_.problems(); }

 private:
  using Kind = crash::Change::Kind;
  using Spot = SimNames::Spot;
  void step();
  void create(bool is_dir);
  void link();
  void unlink();
  void rename();
  void exchange();
  void write();
  void truncate();
  void fsync();
  void sync();
  void set_flags();
  void compare();
  void compare_dir(uint64_t dir);

  template <class Work>
  void perform(crash::Change change, Work&& work);
  void promise(const crash::Change& change, uint64_t ended);
  void push(const crash::Change& change, uint64_t begun, uint64_t ended);
  uint64_t now();
  bool is_synchronous(uint64_t ino) const;

  uint64_t pick(bool (crash::ModelInode::*kind)() const);  // 0: there is none
  std::pair<uint64_t, std::string> pick_name(uint64_t ino);
  std::string new_name();
  bool is_below(uint64_t dir, uint64_t ancestor) const;
  Spot spot_of(uint64_t dir, const std::string& name);
  SimNode* node_of(uint64_t ino);  // by way of its names; null: a name leads elsewhere, which is told
  uint64_t random(uint64_t below) { return random_() % below; }

  SimThreads& sim_;
  Trace& trace_;
  SimKernel& kernel_;
  const uint64_t folder_;
  const NameShape shape_;
  std::mt19937_64 random_;
  SimNames names_;
  crash::Model model_;
  std::vector<crash::Step> steps_;
};

}  // namespace butterfuse::simkernel
