// SPDX-License-Identifier: GPL-2.0-or-later
// CrashRun: one workload on a fresh file system, and a power cut at each point of it.
#pragma once

#include <functional>
#include <string>

#include "tests/crash/crash_states.h"
#include "tests/crash/setting.h"

namespace butterfuse::crash {

struct CrashCounts {
  uint64_t workloads = 0, states = 0, second_mounts = 0, recoveries_cut = 0, external_checks = 0,
           violations = 0;
};

struct CrashRunOptions {
  uint64_t external_check_every = 500;  // states; 0: never. `btrfs check`, where one device is all
  uint64_t second_mount_every = 20;
  uint64_t recovery_cut_every = 50;  // the power fails again while such a state is mounted and unmounted
  std::string keep_folder;           // where the devices of a violation are kept; empty: nowhere
  std::function<void(const std::string&)> report;
  std::function<bool()> stop;  // asked after each state
};

// Everything about the workload follows from the seed: the file system, the mount options, the operations. So
// does the order of states, as long as the engine's threads do not change the order of writes.
void run_crash_workload(uint64_t seed, const CrashRunOptions& options, CrashCounts& counts);

}  // namespace butterfuse::crash
