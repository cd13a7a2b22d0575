// SPDX-License-Identifier: GPL-2.0-or-later
// FaultRun: one workload over and over, each time with another read, write, flush or allocation failing.
#pragma once

#include <functional>
#include <string>

#include "core/device/fault_device.h"
#include "tests/crash/setting.h"

namespace butterfuse::crash {

struct FaultCounts {
  uint64_t points = 0;  // runs with a fault
  uint64_t met = 0;     // of these, where the fault came about
  uint64_t told = 0;    // of these, where an operation or the unmount returned the error
  uint64_t ended = 0;   // of these, where the process ended for want of memory
  uint64_t violations = 0;
};

struct FaultRunOptions {
  uint64_t points_per_operation = 40;  // of each kind, spread evenly over the workload
  std::function<void(const std::string&)> report;
  std::function<bool()> stop;
};

// At each point: the workload ends with the first operation that fails; what is mounted can still be read;
// the unmount ends; and the devices then hold what was acknowledged, and are clean. Every other run fails for
// ever, not once. Where an allocation fails the process may end instead.
void run_fault_workload(uint64_t seed, const FaultRunOptions& options, FaultCounts& counts);

}  // namespace butterfuse::crash
