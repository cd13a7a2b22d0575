// SPDX-License-Identifier: GPL-2.0-or-later
// TransactionGate: who may join the running transaction, who waits, and who drives the next commit.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "core/base/mutex.h"
#include "core/base/result.h"
#include "core/transaction/transaction.h"

namespace butterfuse {

// Life of a transaction: join() starts it; close() shuts the door and waits for its handles; then either
// reopen() (nothing had changed) or detach(): the next join starts the next one while this one is written.
// Only one thread at a time drives: it has the turn from take_turn() to end_turn().
class TransactionGate {
 public:
  TransactionGate(uint64_t last_committed, uint32_t nodesize, CommitDebt& debt)
      : nodesize_(nodesize), debt_(debt), next_transid_(last_committed + 1) {}

  // A handle's share. Waits while the running transaction is closing. EROFS after a failure.
  Result<std::shared_ptr<Transaction>> join();
  void leave();
  // join() without waiting for the door; for whoever holds the turn and has closed it.
  void join_closed();

  // Waits for the turn to commit all that was done before the call.
  // False: another thread has done it meanwhile.
  Result<bool> take_turn();
  // Blocks joins and waits until all handles are gone. REQUIRES the turn.
  std::shared_ptr<Transaction> close();
  void reopen();
  void detach();
  void end_turn();
  void wait_for_turn_end();  // of whoever has it now; returns at once when nobody has

  // The first error stays. Everything that waits or comes later gets EROFS with its reason.
  void fail(const Error& why);
  Status status() const;
  uint64_t running_transid() const { return next_transid_.load(); }

 private:
  Status failure() const BF_REQUIRES(mutex_);
  void open_transaction() BF_REQUIRES(mutex_);

  const uint32_t nodesize_;
  CommitDebt& debt_;
  std::atomic<uint64_t> next_transid_;  // of the running transaction, or the one that the next join starts
  mutable Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<Transaction> running_ BF_GUARDED_BY(mutex_);
  uint32_t handles_ BF_GUARDED_BY(mutex_) = 0;
  bool closing_ BF_GUARDED_BY(mutex_) = false;
  bool turn_taken_ BF_GUARDED_BY(mutex_) = false;
  uint64_t closings_ BF_GUARDED_BY(mutex_) = 0;          // how often the door was shut
  uint64_t settled_closings_ BF_GUARDED_BY(mutex_) = 0;  // closings whose turn has ended well
  std::optional<Error> error_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
