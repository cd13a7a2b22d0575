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

void FaultDevice::fail_nth(FaultOperation operation, uint64_t nth, int code, bool forever) {
  MutexLock lock(mutex_);
  plans_[operation] = Plan{counts_[operation] + nth, code, forever};
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

Status FaultDevice::admit(FaultOperation operation) {
  MutexLock lock(mutex_);
  const uint64_t number = ++counts_[operation];
  if (last_write_ && operation == FaultOperation::write && number > *last_write_) power_is_cut_ = true;
  if (power_is_cut_) {
    ++faults_;
    return make_error(EIO, "{}: {} {}: the power is cut", path_, name_of(operation), number);
  }
  auto plan = plans_.find(operation);
  if (plan == plans_.end()) return {};
  const Plan& wanted = plan->second;
  if (number != wanted.at && !(wanted.forever && number > wanted.at)) return {};
  ++faults_;
  return make_error(wanted.code, "{}: {} {}: injected fault", path_, name_of(operation), number);
}

Status FaultDevice::read(uint64_t offset, MutableByteSpan into) {
  BF_TRY(admit(FaultOperation::read));
  return base_->read(offset, into);
}

Status FaultDevice::write(uint64_t offset, ByteSpan from, WriteKind kind) {
  BF_TRY(admit(FaultOperation::write));
  return base_->write(offset, from, kind);
}

Status FaultDevice::write_gather(uint64_t offset, const std::vector<ByteSpan>& pieces, WriteKind kind) {
  BF_TRY(admit(FaultOperation::write));
  return base_->write_gather(offset, pieces, kind);
}

Status FaultDevice::flush() {
  BF_TRY(admit(FaultOperation::flush));
  return base_->flush();
}

void FaultDevice::discard(uint64_t offset, uint64_t length) {
  if (!power_is_cut()) base_->discard(offset, length);
}

}  // namespace butterfuse
