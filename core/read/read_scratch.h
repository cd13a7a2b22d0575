// SPDX-License-Identifier: GPL-2.0-or-later
// ReadScratch: the buffers one thread reads compressed extents with; kept, so that reading allocates nothing.
#pragma once

#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/items/file_extent.h"

namespace butterfuse {

// Used by one read() at a time: its thread's. Sizes are fixed, whatever an image asks for.
struct ReadScratch {
  // At least one compressed extent of the largest size (128 KiB); four of those are a good read for a
  // hard disk.
  static constexpr size_t kDiskBytes = 512u << 10;  // neighbouring compressed extents read at once
  std::unique_ptr<std::byte[]> disk{new std::byte[kDiskBytes]};
  std::unique_ptr<std::byte[]> plain{new std::byte[kMaxCompressedBytes]};  // one decompressed extent
  std::vector<FileExtent> extents;

  static ReadScratch& of_this_thread();
};

}  // namespace butterfuse
