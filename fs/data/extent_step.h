// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentStep: one step of a range operation: what a file has in a range gives way to something else, at once.
#pragma once

#include <optional>
#include <span>

#include "core/items/file_extent.h"
#include "fs/mount/mount.h"

namespace butterfuse {

// Range operations (punching, zeroing, preallocating, sharing) have one shape:
//
//   plan       which sectors change; what is dirty there is in the trees first
//   reserve    data space for all of it, and metadata for the first step: nothing is destroyed before
//   apply      step by step, each one transaction: a crash finds the old or the new extents, nothing between
//   tell       how far it came; the kernel's pages and attributes of just that go (RangeProgress)
//
// All below REQUIRE the inode's data_lock() exclusive, and no dirty page and no extent in flight in `target`.
struct ExtentStep {
  ByteRange target;                     // whole sectors; all that the file has there goes
  std::span<const FileExtent> extents;  // what comes instead, in order; between them are holes
  bool fresh = false;                   // `extents` is new space, from Allocator::alloc_data
  uint64_t size = 0;                    // i_size is at least this behind it
};

// Extents of the old content that one step may take away: end_of_first_part() cuts where there are more.
constexpr uint32_t kDroppedPerStep = 32;
// Items that a step with so many new extents may change, for Filesystem::reserve_metadata.
uint32_t items_of_step(size_t new_extents);

// Metadata for one step after the other. What the first one needs is had before anything is destroyed, what
// the later ones need when they come.
class StepReservations {
 public:
  // `freeing`: steps that only take away, which a full file system must let through.
  enum class Kind { changing, freeing };
  StepReservations(Mount& mount, const Inode& inode, uint32_t items, Kind kind)
      : filesystem_(mount.filesystem()), root_(inode.root_id()), items_(items), kind_(kind) {}

  // ENOSPC; may commit: hold no items lock, handle or page here, nor at next().
  Status reserve_first();
  // For the next step: what reserve_first() had, or more.
  Result<Reservation> next();

 private:
  Result<Reservation> reserve();

  Filesystem& filesystem_;
  const uint64_t root_;
  const uint32_t items_;
  const Kind kind_;
  std::optional<Reservation> first_;
};

// What a range operation has changed so far.
struct RangeProgress {
  ByteRange changed;  // of the content; empty: nothing
  void note(ByteRange range) {
    if (range.empty()) return;
    changed = changed.empty()
                  ? range
                  : ByteRange{std::min(changed.start, range.start), std::max(changed.end, range.end)};
  }
};

// The pages of `target` are forgotten, its items replaced, nbytes and size changed, in one transaction. On an
// error nothing has changed, or the transaction is aborted; fresh space is given back.
Status apply_step(Mount& mount, Inode& inode, Reservation metadata, const ExtentStep& step);

// Where the first part of `sectors` ends that holds at most kDroppedPerStep extents.
Result<uint64_t> end_of_first_part(Inode& inode, ByteRange sectors);

}  // namespace butterfuse
