// SPDX-License-Identifier: GPL-2.0-or-later
// FaultDevice: counts operations and fails the chosen ones.
#include "core/device/fault_device.h"

#include <cerrno>

namespace butterfuse {

namespace {
const char* name_of(FaultOperation operation) {
  switch (operation) {
    case FaultOperation::read:
      return "read";
    case FaultOperation::write:
      return "write";
    case FaultOperation::flush:
      return "flush";
  }
  return "?";
}
}  // namespace

void FaultDevice::fail_nth(FaultOperation operation, uint64_t nth, int code, bool forever,
                           FaultManner manner) {
  MutexLock lock(mutex_);
  plans_[operation] = Plan{counts_[operation] + nth, code, forever, manner};
}

void FaultDevice::cut_power_after(uint64_t writes) {
  MutexLock lock(mutex_);
  last_write_ = counts_[FaultOperation::write] + writes;
}

bool FaultDevice::power_is_cut() const {
  MutexLock lock(mutex_);
  return power_is_cut_;
}

uint64_t FaultDevice::count(FaultOperation operation) const {
  MutexLock lock(mutex_);
  auto found = counts_.find(operation);
  return found == counts_.end() ? 0 : found->second;
}

uint64_t FaultDevice::faults() const {
  MutexLock lock(mutex_);
  return faults_;
}

FaultDevice::Admission FaultDevice::admit(FaultOperation operation) {
  MutexLock lock(mutex_);
  const uint64_t number = ++counts_[operation];
  // From the first write that does not reach the disk on: reads fail, too, as they would.
  if (last_write_ && operation == FaultOperation::write && number > *last_write_) power_is_cut_ = true;
  if (power_is_cut_) {
    ++faults_;
    return {make_error(EIO, "{}: {} {}: the power is cut", path_, name_of(operation), number)};
  }
  auto plan = plans_.find(operation);
  if (plan == plans_.end()) return {};
  const Plan& wanted = plan->second;
  if (number != wanted.at && !(wanted.forever && number > wanted.at)) return {};
  ++faults_;
  // A disk that dies in the middle of a write does no more halves.
  const bool first = number == wanted.at || wanted.manner != FaultManner::partial;
  return {make_error(wanted.code, "{}: {} {}: injected fault", path_, name_of(operation), number),
          first ? wanted.manner : FaultManner::clean};
}

Status FaultDevice::read(uint64_t offset, MutableByteSpan into) {
  const Admission admission = admit(FaultOperation::read);
  if (admission.status) return base_->read(offset, into);
  if (admission.manner != FaultManner::bit_flip) return admission.status;
  BF_TRY(base_->read(offset, into));
  into[into.size() / 2] ^= std::byte{1};
  return {};
}

Status FaultDevice::write(uint64_t offset, ByteSpan from, WriteKind kind) {
  return write_gather(offset, {from}, kind);
}

Status FaultDevice::write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) {
  // What a disk writes whole or not at all: half of a write ends between two of these.
  constexpr size_t kDiskSector = 512;
  const Admission admission = admit(FaultOperation::write);
  if (admission.status) return base_->write_gather(offset, pieces, kind);
  if (admission.manner != FaultManner::partial) return admission.status;
  std::vector<std::byte> all;
  for (const ByteSpan piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
  all.resize(all.size() / 2 / kDiskSector * kDiskSector);
  if (!all.empty()) (void)base_->write(offset, all, kind);
  return admission.status;
}

Status FaultDevice::flush() {
  const Admission admission = admit(FaultOperation::flush);
  return admission.status ? base_->flush() : admission.status;
}

void FaultDevice::discard(uint64_t offset, uint64_t length) {
  if (!power_is_cut()) base_->discard(offset, length);
}

}  // namespace butterfuse
