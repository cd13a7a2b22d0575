// SPDX-License-Identifier: GPL-2.0-or-later
// ForeignContent: what a source has on it that is no btrfs, by name.
#pragma once

#include <optional>
#include <string>

#include "core/device/block_device.h"

namespace butterfuse {

struct ForeignContent {
  std::string name;  // "a qcow2 image"
  std::string hint;  // what to do about it; may be empty
};

// Looks at the first 264 KiB and the last sector of the device, by itself: what is there is not trusted.
// Nothing for a btrfs, for what it does not know, and for what can't be read.
std::optional<ForeignContent> foreign_content(BlockDevice& device);

// ", but a qcow2 image: ...", or nothing: behind the words that there is no btrfs.
std::string foreign_content_text(BlockDevice& device);

}  // namespace butterfuse
