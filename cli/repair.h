// The writing half of check: --repair and --undo.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "core/device/window_device.h"

namespace butterfuse {

struct RepairArguments {
  std::vector<std::string> sources;
  DeviceWindow window;
  bool force = false;  // no question
  bool progress = false;
  std::string undo_log;  // where to keep the old bytes; empty: beside the first image, or here for devices
};

// Exit codes of fsck(8). `stop` ends it before anything is written.
int run_repair(const RepairArguments& arguments, const std::atomic<bool>& stop);
int run_undo(const RepairArguments& arguments, const std::atomic<bool>& stop);

}  // namespace butterfuse
