// SPDX-License-Identifier: GPL-2.0-or-later
// CrashStates: what the devices of a trace may hold after a power cut at any point of it.
#pragma once

#include <functional>
#include <memory>
#include <random>
#include <unordered_set>
#include <vector>

#include "core/device/memory_device.h"
#include "core/device/recording_device.h"

namespace butterfuse::crash {

struct CrashState {
  uint64_t time = 0;  // of the trace's counter: what was begun or ended before counts
  std::vector<std::shared_ptr<MemoryDevice>> devices;  // private copies
  std::string what;  // "torn: 3 of 5 unflushed writes [1:0,1,2,/2:3]": why, how many, and which
};

// Legal are, for each device: all that completed before its last completed flush was submitted, and any
// subset of the rest in the order of submission, a write perhaps torn at a sector of 512 bytes. Visited are
//  - each prefix: all that was submitted up to a write;
//  - of what was not durable when a flush completed, and at the end: all subsets while they are few; else
//    each write alone missing and alone present, none, all but the superblocks, these alone, and `samples`
//    random subsets;
//  - each of these points once more with one write torn: the last superblock at every sector, and another
//    write at one.
// A discard counts as a write of rubbish.
//
// A set of writes is visited once between two flushes, and again when a mark "ack" has come meanwhile, from
// which on more is promised.
class CrashStates {
 public:
  CrashStates(std::vector<TraceEvent> events, std::vector<std::shared_ptr<BlockDevice>> bases, uint64_t seed);
  // Until `visit` returns false. `one_of`: of so many states one, chosen by the seed,
  // where all would take too long.
  void for_each(const std::function<bool(const CrashState&)>& visit, int samples = 16, uint64_t one_of = 1);

 private:
  using Subset = std::vector<size_t>;  // indexes into pending_
  struct Tear {
    size_t index = SIZE_MAX;  // into pending_
    uint64_t sectors = 0;     // of it that arrived
  };
  void prefix(uint64_t time);
  void subsets(uint64_t time, int samples);
  void tears(uint64_t time);
  void settle(const TraceEvent& flush);
  void state(uint64_t time, const Subset& subset, const Tear& tear, const char* why);
  void state(uint64_t time, const Subset& subset, const char* why) { state(time, subset, {}, why); }

  const std::vector<TraceEvent> events_;
  std::vector<std::shared_ptr<MemoryDevice>> disks_;  // what is durable
  std::mt19937_64 random_;
  std::vector<const TraceEvent*> pending_;  // submitted writes that need not be durable
  std::unordered_set<std::string> seen_;    // sets of writes since the last flush
  uint64_t acks_ = 0;                       // marks so far
  uint64_t one_of_ = 1;
  std::function<bool(const CrashState&)> visit_;
  bool stopped_ = false;
};

}  // namespace butterfuse::crash
