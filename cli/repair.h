// SPDX-License-Identifier: GPL-2.0-or-later
// The writing half of check: --repair and --undo.
#pragma once

#include <string>
#include <vector>

#include "cli/check_report.h"
#include "core/device/window_device.h"

namespace butterfuse {

struct RepairArguments {
  std::vector<std::string> sources;
  DeviceWindow window;
  bool force = false;  // an undo that makes it worse
  bool yes = false;    // no question
  bool progress = false;
  std::string undo_log;  // where to keep the old bytes; empty: beside the first image, or here for devices
};

// Exit codes of fsck(8). An Interruption ends a repair before anything is written; what is being written, or
// put back, is written to its end. Both refuse sources that are in use, and say on `report` what they did.
int run_repair(const RepairArguments& arguments, CheckReport& report);
int run_undo(const RepairArguments& arguments, CheckReport& report);

}  // namespace butterfuse
