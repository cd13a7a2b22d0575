// SPDX-License-Identifier: GPL-2.0-or-later
// CowExtent: one copy-on-write extent on its way to disk, with all it owns: pages, bytes, promises.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/cache/locked_pages.h"
#include "core/delalloc/file_state.h"
#include "core/extent/ordered_extent.h"

namespace butterfuse {

// Made by the submit stage, written by workers, ended by finish_ordered.
class CowExtent final : public OrderedExtent {
 public:
  explicit CowExtent(ByteRange file_range) : OrderedExtent(file_range) {}

  ByteRange disk;  // where; empty for inline data
  uint8_t compression = 0;
  FolioBuffer stored;            // compressed bytes, zero-padded to disk.length()
  std::vector<std::byte> csums;  // of the stored sectors
  std::optional<InlineData> inline_data;
  std::optional<InPlaceRange> in_place;  // `disk` is not new: it lies in an extent that the file has already
  WritebackPages pages;
  Reservation metadata;

  void record_error(const Error& error) {
    MutexLock lock(mutex_);
    if (!error_) error_ = error;
  }
  std::optional<Error> error() const {
    MutexLock lock(mutex_);
    return error_;
  }

 private:
  mutable Mutex mutex_;
  std::optional<Error> error_ BF_GUARDED_BY(mutex_);
};
using CowExtentRef = std::shared_ptr<CowExtent>;

// Extents of one file that lie one behind the other in it and are written and finished together.
struct CowGroup {
  FileState* file = nullptr;
  FileState::Hold hold;
  InFlightLimit::Slot slot;  // of the chunk they came from, if any
  std::vector<CowExtentRef> extents;
  std::atomic<uint32_t> writes_left{0};
};
using CowGroupRef = std::shared_ptr<CowGroup>;

}  // namespace butterfuse
