// SPDX-License-Identifier: GPL-2.0-or-later
// existing_signature: what libblkid finds on a device that is about to be overwritten.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/result.h"

namespace butterfuse {

// "btrfs file system", "gpt partition table", ...; nothing when the device is blank to libblkid. Looks at
// `bytes` from `offset` on, 0: to the end.
Result<std::optional<std::string>> existing_signature(const std::string& path, uint64_t offset = 0,
                                                      uint64_t bytes = 0);

}  // namespace butterfuse
