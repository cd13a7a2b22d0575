// SPDX-License-Identifier: GPL-2.0-or-later
// Judging what is left on the devices: by mounting it, and by our checker.
#pragma once

#include <functional>
#include <span>

#include "core/device/memory_device.h"
#include "tests/crash/setting.h"

namespace butterfuse::crash {

// What is wrong, one line each; empty: nothing. The devices may change: a mount recovers. `atom` as in
// Model::problems. `degraded`: without one of them, and read-only.
std::vector<std::string> mount_and_compare(BlockDevices devices, const Setting& setting, const Model& model,
                                           size_t atom, bool degraded = false);
std::vector<std::string> check_all(BlockDevices devices);

// As sparse files device0, device1, ... in the folder.
void save_devices(const std::vector<std::shared_ptr<MemoryDevice>>& devices, const std::string& folder);

// The first problems, then the last of the steps; `state_of(i)` is put behind the number of step i.
std::string describe(const std::vector<std::string>& problems, std::span<const Step> steps,
                     const std::function<const char*(size_t)>& state_of);

}  // namespace butterfuse::crash
