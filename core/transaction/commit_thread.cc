// SPDX-License-Identifier: GPL-2.0-or-later
// The clock of the commits.
#include "core/transaction/commit_thread.h"

namespace butterfuse {

CommitThread::CommitThread(uint32_t interval_s, std::function<void()> commit)
    : commit_(std::move(commit)), interval_s_(interval_s), thread_([this] { run(); }) {}

CommitThread::~CommitThread() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void CommitThread::request() {
  MutexLock lock(mutex_);
  if (requested_) return;
  requested_ = true;
  wake_.notify_all();
}

void CommitThread::set_interval(uint32_t seconds) {
  MutexLock lock(mutex_);
  interval_s_ = seconds;
  interval_changed_ = true;
  wake_.notify_all();
}

bool CommitThread::wait_for_work() {
  MutexLock lock(mutex_);
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(interval_s_);
  while (!stopping_ && !requested_) {
    if (interval_changed_) {
      interval_changed_ = false;
      deadline = std::chrono::steady_clock::now() + std::chrono::seconds(interval_s_);
    }
    if (interval_s_ == 0) {
      wake_.wait(lock);
      continue;
    }
    auto now = std::chrono::steady_clock::now();
    if (now >= deadline) break;
    wake_.wait_for(lock, deadline - now);
  }
  requested_ = false;
  return !stopping_;
}

void CommitThread::run() {
  while (wait_for_work()) commit_();
}

}  // namespace butterfuse
