// SPDX-License-Identifier: GPL-2.0-or-later
// FillRun: a thousand operations on a file system with next to no space left, and power cuts among them.
#pragma once

#include <functional>
#include <string>

#include "tests/crash/fill_setting.h"

namespace butterfuse::crash {

struct FillCounts {
  uint64_t runs = 0, operations = 0, refused = 0;  // by ENOSPC, which is an answer
  uint64_t states = 0, violations = 0;
};

struct FillRunOptions {
  uint64_t states_per_run = 60;  // of crashes, spread over the operations
  std::string keep_folder;       // where the device of a violation is kept; empty: nowhere
  std::function<void(const std::string&)> report;
};

// An operation may be refused for want of space. It may not fail otherwise, leave the file system
// read-only, lose or change a byte that was acknowledged, or take more tree blocks than were reserved
// (the process ends then).
void run_fill_workload(uint64_t seed, const FillRunOptions& options, FillCounts& counts);

}  // namespace butterfuse::crash
