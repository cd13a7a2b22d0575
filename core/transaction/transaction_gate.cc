// SPDX-License-Identifier: GPL-2.0-or-later
// The door of the running transaction.
//
//     joins   ──┬── handles ──┐ close(): no new ones, and the last one leaves
//               │             v
//          waiting         phase 1, alone ─> detach(): door open, next transid ─> phase 2 ─> end_turn()
//
// closings_ counts how often the door was shut, and settled_closings_ which of them are on disk: who wants to
// have something committed needs one that shuts after its call, whoever drives it. So threads that ask
// together share one.
#include "core/transaction/transaction_gate.h"

#include <cerrno>

#include "core/base/assert.h"

namespace butterfuse {

Status TransactionGate::failure() const {
  if (!error_) return {};
  return make_error(EROFS, "file system is read-only after an error: {}", error_->message);
}

Status TransactionGate::status() const {
  MutexLock lock(mutex_);
  return failure();
}

void TransactionGate::open_transaction() {
  if (!running_) running_ = std::make_shared<Transaction>(next_transid_, nodesize_, debt_);
}

Result<std::shared_ptr<Transaction>> TransactionGate::join() {
  MutexLock lock(mutex_);
  while (closing_ && !error_) changed_.wait(lock);
  BF_TRY(failure());
  open_transaction();
  ++handles_;
  return running_;
}

void TransactionGate::join_closed() {
  MutexLock lock(mutex_);
  BF_ASSERT(closing_);
  ++handles_;
}

void TransactionGate::leave() {
  MutexLock lock(mutex_);
  BF_ASSERT(handles_ > 0);
  if (--handles_ == 0 && closing_) changed_.notify_all();
}

// Whatever ended before this call is covered by any closing that starts after it, or by the one that
// is still waiting for handles; a closing that had already begun its work (closings_ counts up in
// close()) is too early.
Result<bool> TransactionGate::take_turn() {
  MutexLock lock(mutex_);
  const uint64_t needed = closings_ + 1;
  while (turn_taken_ && !error_ && settled_closings_ < needed) changed_.wait(lock);
  BF_TRY(failure());
  if (settled_closings_ >= needed) return false;
  turn_taken_ = true;
  return true;
}

std::shared_ptr<Transaction> TransactionGate::close() {
  MutexLock lock(mutex_);
  BF_ASSERT(turn_taken_ && !closing_);
  open_transaction();
  closing_ = true;
  while (handles_ > 0) changed_.wait(lock);
  ++closings_;
  return running_;
}

void TransactionGate::reopen() {
  MutexLock lock(mutex_);
  closing_ = false;
  changed_.notify_all();
}

void TransactionGate::detach() {
  MutexLock lock(mutex_);
  BF_ASSERT(closing_ && handles_ == 0);
  running_.reset();
  ++next_transid_;
  closing_ = false;
  changed_.notify_all();
}

void TransactionGate::end_turn() {
  MutexLock lock(mutex_);
  BF_ASSERT(turn_taken_);
  turn_taken_ = false;
  closing_ = false;
  if (!error_) settled_closings_ = closings_;
  changed_.notify_all();
}

void TransactionGate::wait_for_turn_end() {
  MutexLock lock(mutex_);
  while (turn_taken_ && !error_) changed_.wait(lock);
}

void TransactionGate::fail(const Error& why) {
  MutexLock lock(mutex_);
  if (!error_) error_ = Error{why.code, {}};
  try {
    if (error_->message.empty()) error_->message = why.message;
  } catch (const std::bad_alloc&) {
    // The code has to do.
  }
  changed_.notify_all();
}

}  // namespace butterfuse
