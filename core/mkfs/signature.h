// existing_signature: what libblkid finds on a device that is about to be overwritten.
#pragma once

#include <optional>
#include <string>

#include "core/base/result.h"

namespace butterfuse {

// "btrfs file system", "gpt partition table", ...; nothing when the device is blank to libblkid.
Result<std::optional<std::string>> existing_signature(const std::string& path);

}  // namespace butterfuse
