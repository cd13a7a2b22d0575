// SPDX-License-Identifier: GPL-2.0-or-later
// Deletions: inodes on their way out, behind the back of whoever let go of them last.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>

#include "core/base/mutex.h"
#include "fs/inode/inode.h"

namespace butterfuse {

// Who lets go of an unlinked inode, by FORGET or by closing a file, has no answer to wait for, but the next
// request of the same client waits for him. So a thread deletes, and what needs the space waits for that.
// Thread-safe.
class Deletions {
 public:
  using Delete = std::function<void(const std::shared_ptr<Inode>&)>;
  explicit Deletions(Delete delete_one) : delete_one_(std::move(delete_one)) {}
  ~Deletions() { stop(); }
  Deletions(const Deletions&) = delete;
  Deletions& operator=(const Deletions&) = delete;

  using Milliseconds = std::chrono::milliseconds;
  using Time = std::chrono::steady_clock::time_point;
  static constexpr Time kNeverNamed{};

  // From now on a thread deletes. Without one, and where there is none to be had, add() does.
  void start();
  // The inode has no name any more: its last holder will bring it. Does nothing where no thread deletes: what
  // is awaited would have to come from the one who waits.
  void expect(const Inode& inode, Time unlinked = std::chrono::steady_clock::now());
  // It has a name again, or is deleted.
  void expect_no_more(const Inode& inode);
  // Deletes the inode now, or soon. Hold no lock and no handle. Never fails.
  void add(const std::shared_ptr<Inode>& inode);
  // Gives holders time to bring what is expected: the kernel lets go by RELEASE and FORGET, which are on the
  // way for a while behind the answers to close(2) and unlink(2). Waits for what was unlinked until that is
  // `behind_unlink` ago; for the others, which may be open for good, `behind_close` from now, unless that was
  // in vain often lately. Who has what a holder waits for waits in vain, no longer than that.
  void await_holders(Milliseconds behind_unlink, Milliseconds behind_close);
  // All that was added before is deleted when this returns true; false: not within that time. At once, and
  // true, for the thread that deletes: it can't wait for itself. Hold no handle, tree, page or items lock.
  bool finish(Milliseconds limit = std::chrono::hours(24));
  // As finish(), for who needs the space and may have what a deletion waits for: holders have a moment to
  // come, then as long as one more is deleted within five seconds.
  void finish_while_it_moves();
  // As finish(); then there is no thread any more.
  void stop();

 private:
  bool await(uint64_t wanted, Milliseconds limit, MutexLock& lock) BF_REQUIRES(mutex_);
  bool take_over(const std::shared_ptr<Inode>& inode);
  void run();
  std::shared_ptr<Inode> next();
  bool may_begin() const BF_REQUIRES(mutex_);

  const Delete delete_one_;
  Mutex mutex_;
  CondVar changed_;
  std::thread thread_;
  std::thread::id runner_ BF_GUARDED_BY(mutex_);
  // When each was unlinked.
  std::unordered_map<const Inode*, Time> expected_ BF_GUARDED_BY(mutex_);
  Time vain_until_ BF_GUARDED_BY(mutex_);  // what stays open is not waited for before
  std::deque<std::shared_ptr<Inode>> waiting_ BF_GUARDED_BY(mutex_);
  uint64_t added_ BF_GUARDED_BY(mutex_) = 0, deleted_ BF_GUARDED_BY(mutex_) = 0;
  uint64_t quiet_since_ BF_GUARDED_BY(mutex_) = 0;  // the last added_ behind which nobody came for a while
  bool running_ BF_GUARDED_BY(mutex_) = false, asleep_ BF_GUARDED_BY(mutex_) = false;
  size_t finishers_ BF_GUARDED_BY(mutex_) = 0;
};

}  // namespace butterfuse
