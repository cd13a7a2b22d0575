// SPDX-License-Identifier: GPL-2.0-or-later
// Deletions: a queue and its thread.
//
// The thread keeps its distance: who removes a folder's files one after the other works on the leaf in which
// the last one's items are, and both would wait for each other at each step. So it begins once a few hundred
// wait, leaves whose names are gone, or when nobody has let go of another for a while, or somebody waits for
// the space. It is woken once for many: a call to another processor for each would cost as much as the
// deletion does.
#include "fs/inode/deletions.h"

#include <algorithm>
#include <new>
#include <system_error>

#include "core/base/log.h"

namespace butterfuse {
namespace {

// Each keeps an inode in memory, some 3 KiB. Who comes when so many wait deletes himself: as fast as they
// can be deleted by two.
constexpr size_t kWaitingMax = 2048;
constexpr size_t kDistance = 512;  // some leaves of inode items and names
constexpr auto kLookAgain = std::chrono::milliseconds(2);
constexpr int kLooks = 10;                        // without another one, before the thread sleeps for good
constexpr auto kMoves = std::chrono::seconds(5);  // a million extents take as long; what takes longer waits
constexpr auto kFinishLook = std::chrono::milliseconds(100);

// Who needs the space waits so long. RELEASE and FORGET take well below a millisecond, some ten where many
// want the processor. What was just unlinked is seldom held on purpose, what was held for a second mostly is.
constexpr auto kBehindUnlink = std::chrono::milliseconds(1000);
constexpr auto kBehindClose = std::chrono::milliseconds(50);

// What stays open is waited for in vain each time: a twentieth of the time at most, and four times in a row.
constexpr int kVainShare = 20;
constexpr auto kVainBurst = 4 * kVainShare * kBehindClose;

}  // namespace

void Deletions::start() {
  MutexLock lock(mutex_);
  if (running_) return;
  try {
    thread_ = std::thread([this] { run(); });
    runner_ = thread_.get_id();
    running_ = true;
  } catch (const std::system_error& error) {
    log(LogLevel::debug, "no thread for deletions: {}", error.what());
  }
}

void Deletions::expect(const Inode& inode, Time unlinked) {
  MutexLock lock(mutex_);
  if (!running_) return;
  try {
    expected_[&inode] = unlinked;
  } catch (const std::bad_alloc&) {
    log(LogLevel::debug, "no memory to expect the end of an inode: nobody will wait for it");
  }
}

void Deletions::expect_no_more(const Inode& inode) {
  MutexLock lock(mutex_);
  expected_.erase(&inode);
}

void Deletions::add(const std::shared_ptr<Inode>& inode) {
  if (take_over(inode)) return;
  delete_one_(inode);
  expect_no_more(*inode);
}

bool Deletions::take_over(const std::shared_ptr<Inode>& inode) {
  MutexLock lock(mutex_);
  if (!running_ || waiting_.size() >= kWaitingMax) return false;
  try {
    waiting_.push_back(inode);
  } catch (const std::bad_alloc&) {
    return false;
  }
  ++added_;
  expected_.erase(inode.get());
  if (asleep_) changed_.notify_all();
  return true;
}

void Deletions::await_holders(Milliseconds behind_unlink, Milliseconds behind_close) {
  MutexLock lock(mutex_);
  if (runner_ == std::this_thread::get_id()) return;
  const Time begin = std::chrono::steady_clock::now();
  if (vain_until_ > begin) behind_close = {};
  const auto awaits = [&](Time now) BF_REQUIRES(mutex_) {
    return std::any_of(expected_.begin(), expected_.end(), [&](const auto& each) {
      const Time unlinked = each.second;
      return unlinked <= begin && now < std::max(unlinked + behind_unlink, begin + behind_close);
    });
  };
  for (Time now = begin; awaits(now); now = std::chrono::steady_clock::now())
    changed_.wait_for(lock, kLookAgain);
  if (awaits(begin)) vain_until_ = std::max(vain_until_, begin - kVainBurst) + kVainShare * behind_close;
}

bool Deletions::finish(Milliseconds limit) {
  MutexLock lock(mutex_);
  return await(added_, limit, lock);
}

void Deletions::finish_while_it_moves() {
  await_holders(kBehindUnlink, kBehindClose);
  MutexLock lock(mutex_);
  const uint64_t wanted = added_;
  for (uint64_t before = deleted_; !await(wanted, kMoves, lock) && before != deleted_; before = deleted_) {
  }
}

bool Deletions::await(uint64_t wanted, Milliseconds limit, MutexLock& lock) {
  if (runner_ == std::this_thread::get_id()) return true;
  const auto until = std::chrono::steady_clock::now() + limit;
  ++finishers_;
  changed_.notify_all();
  while (deleted_ < wanted && std::chrono::steady_clock::now() < until)
    changed_.wait_for(lock, std::min(limit, kFinishLook));
  --finishers_;
  return deleted_ >= wanted;
}

void Deletions::stop() {
  {
    MutexLock lock(mutex_);
    running_ = false;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Deletions::run() {
  while (std::shared_ptr<Inode> inode = next()) {
    delete_one_(inode);
    inode.reset();
    MutexLock lock(mutex_);
    ++deleted_;
    if (finishers_ > 0) changed_.notify_all();
  }
}

// Null: there are none any more, and no others will come.
std::shared_ptr<Inode> Deletions::next() {
  MutexLock lock(mutex_);
  for (int looks = 0; running_ && !may_begin(); ++looks) {
    if (waiting_.empty() && looks >= kLooks) {
      asleep_ = true;
      while (running_ && waiting_.empty()) changed_.wait(lock);
      asleep_ = false;
      looks = 0;
    }
    const uint64_t seen = added_;
    changed_.wait_for(lock, kLookAgain);
    if (added_ == seen) quiet_since_ = seen;
  }
  if (waiting_.empty()) return nullptr;
  std::shared_ptr<Inode> inode = std::move(waiting_.front());
  waiting_.pop_front();
  return inode;
}

bool Deletions::may_begin() const {
  if (waiting_.empty()) return false;
  return waiting_.size() > kDistance || finishers_ > 0 || quiet_since_ == added_;
}

}  // namespace butterfuse
