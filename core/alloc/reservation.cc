// Reservation: the promise of space as a value.
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
