// SPDX-License-Identifier: GPL-2.0-or-later
// Reservation: the promise of space as a value, and its life.
//
// **Data**, of a write of N bytes. Each row is what the step adds to a counter; the first is of Promises,
// the others are of the block group and its pool, and sum up to its length:
//
//                                          promised  reserved  used  pinned  free
//     1. reserve(data, N)                     +N
//     2. alloc_data                                     +N                    -N
//     3. Reservation::release(N)              -N
//     4. note_extent_added, in the commit               -N      +N
//     5. note_extent_removed, in another                        -N     +N
//     6. finish_commit of that one                                     -N     +N
//
// Before 1 as much is free that is not promised, or a chunk is made, or ENOSPC is told. Between 2 and 3 the
// bytes count twice: so somebody else may be refused too early, but never get what is not there. Between 5
// and 6 a crash finds the extent as it was, for nothing is written there.
//
// **Metadata**, of an operation that changes n items of a tree. It is promised W =
// metadata_bytes_for_items(n), makes b <= W bytes of tree blocks (each free -> reserved, as in 2), and frees
// some. Its handle has the promise as long as it runs: blocks it has made count twice then, as the promise
// does not shrink with them. When the handle ends all of W goes back, and what is left to do is debt:
// references it queued, an inode whose item the commit will write.
//
// **Ways out.** A promise that nothing came of goes back with its owner's destructor, whatever the error. A
// range that alloc_data gave and nobody wrote goes back by release_reserved (2 undone, with 3 still due or
// done). What was written and whose extent item failed does not go back: the transaction is aborted, and
// memory dies with it.
//
// **Owners** hand it on, whole or in parts (split, merge), and only by move: it is given back exactly once.
//     write(2)     DelallocSpace, then the ordered extent; data goes back behind alloc_data, metadata goes to
//                  the handle that puts the extent into the tree (Filesystem::begin_reserved)
//     operations   TransactionHandle (Filesystem::begin)
//     deleting     the same, by reserve_freeing where reserve_metadata refuses: perhaps less than asked for
//     fsync        TransactionHandle; the log's blocks, without extent items, stay reserved until the commit
#include <utility>

#include "core/alloc/allocator.h"
#include "core/base/assert.h"

namespace butterfuse {

Reservation::Reservation(Reservation&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      space_(other.space_),
      root_(other.root_),
      bytes_(std::exchange(other.bytes_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this == &other) return *this;
  release(bytes_);
  owner_ = std::exchange(other.owner_, nullptr);
  space_ = other.space_;
  root_ = other.root_;
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

Reservation::~Reservation() { release(bytes_); }

void Reservation::release(uint64_t bytes) {
  BF_ASSERT(bytes <= bytes_, "{} of {}", bytes, bytes_);
  bytes_ -= bytes;
  if (owner_ != nullptr && bytes > 0) owner_->give_back(space_, root_, bytes);
}

Reservation Reservation::split(uint64_t bytes) {
  BF_ASSERT(bytes <= bytes_, "{} of {}", bytes, bytes_);
  Reservation part;
  part.owner_ = owner_;
  part.space_ = space_;
  part.root_ = root_;
  part.bytes_ = bytes;
  bytes_ -= bytes;
  return part;
}

void Reservation::merge(Reservation&& other) {
  if (other.owner_ == nullptr) return;
  if (owner_ == nullptr) {
    *this = std::move(other);
    return;
  }
  BF_ASSERT(owner_ == other.owner_ && space_ == other.space_ && root_ == other.root_);
  bytes_ += std::exchange(other.bytes_, 0);
  other.owner_ = nullptr;
}

Reservation Allocator::make_reservation(SpaceClass space, uint64_t bytes, uint64_t root) {
  Reservation reservation;
  reservation.owner_ = this;
  reservation.space_ = space;
  reservation.root_ = root;
  reservation.bytes_ = bytes;
  return reservation;
}

}  // namespace butterfuse
