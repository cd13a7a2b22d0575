// SPDX-License-Identifier: GPL-2.0-or-later
// The thread pool: threads that take tasks in the order of submission, from two lanes.
// A pool runs all that was submitted before it ends: tasks hold pages and promises that nobody else would
// give back.
#include "compress/executor.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace butterfuse {
namespace {

// Signals belong to the program's main thread: threads made while this lives have them all blocked.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

class ThreadPool final : public Executor {
 public:
  ThreadPool(size_t threads, std::string name, std::function<size_t()> allowed)
      : name_(std::move(name)), allowed_(std::move(allowed)) {
    const BlockedSignals blocked;
    try {
      for (size_t i = 0; i < std::max<size_t>(threads, 1); ++i) threads_.emplace_back([this] { run(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;  // else fewer do as well
    }
  }

  // First the one for awaited tasks: what they submit is for the others.
  ~ThreadPool() override {
    {
      const MutexLock lock(mutex_);
      no_awaited_thread_ = true;
    }
    wake_awaited_.notify_all();
    if (for_awaited_.joinable()) for_awaited_.join();
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void submit(Task task, Lane lane) override {
    {
      const MutexLock lock(mutex_);
      (lane == Lane::awaited ? awaited_ : background_).push_back(std::move(task));
      const bool may = may_work();
      if (lane == Lane::awaited && (!may || idle_ == 0)) return wake_for_awaited();
      if (!may) return;  // those at work go on with it
    }
    wake_.notify_one();
  }

  size_t queue_depth() const override {
    const MutexLock lock(mutex_);
    return background_.size() + awaited_.size();
  }

 private:
  // A task that throws ends the process: nobody could tell what it left half done.
  void run() noexcept {
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    while (Task task = wait_for_task()) {
      task();
      task = {};  // what it holds on to is given back by a thread that still counts
      --working_;
    }
  }

  // Where all others are at work, what is awaited does not wait for the first of them that is done.
  void wake_for_awaited() BF_REQUIRES(mutex_) {
    if (!for_awaited_.joinable() && !no_awaited_thread_) {
      const BlockedSignals blocked;
      try {
        for_awaited_ = std::thread([this] { run_awaited(); });
      } catch (const std::system_error&) {
        no_awaited_thread_ = true;  // then it does wait
      }
    }
    wake_awaited_.notify_one();
  }

  void run_awaited() noexcept {
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    while (Task task = wait_for_awaited()) task();
  }

  Task wait_for_awaited() {  // empty: stop
    MutexLock lock(mutex_);
    while (awaited_.empty() && !no_awaited_thread_) wake_awaited_.wait(lock);
    return no_awaited_thread_ ? Task() : take_from(awaited_);
  }

  static Task take_from(std::deque<Task>& lane) {
    Task task = std::move(lane.front());
    lane.pop_front();
    return task;
  }

  bool may_work() const BF_REQUIRES(mutex_) { return !allowed_ || working_ < allowed_(); }

  Task wait_for_task() {  // empty: stop
    MutexLock lock(mutex_);
    for (;;) {
      const bool none = background_.empty() && awaited_.empty();
      if (none && stopping_) return {};
      if (none)
        wait_idle(lock);
      else if (stopping_ || may_work())
        break;
      else
        wake_.wait_for(lock, kAskAgain);  // those at work go on with the queue meanwhile
    }
    ++working_;
    return next_task();
  }

  void wait_idle(MutexLock& lock) BF_REQUIRES(mutex_) {
    ++idle_;
    wake_.wait(lock);
    --idle_;
  }

  // REQUIRES that there is one.
  Task next_task() BF_REQUIRES(mutex_) {
    const bool their_turn = in_a_row_ >= kAwaitedInARow && !background_.empty();
    const bool takes_awaited = !awaited_.empty() && !their_turn;
    in_a_row_ = takes_awaited ? in_a_row_ + 1 : 0;
    Task task = take_from(takes_awaited ? awaited_ : background_);
    if (!awaited_.empty() && idle_ == 0) wake_for_awaited();  // they were left to this thread alone
    return task;
  }

  static constexpr int kAwaitedInARow = 4;
  static constexpr auto kAskAgain = std::chrono::milliseconds(20);  // how late more are seen to be allowed

  const std::string name_;
  const std::function<size_t()> allowed_;
  std::atomic<size_t> working_{0};
  mutable Mutex mutex_;
  CondVar wake_, wake_awaited_;
  std::deque<Task> background_ BF_GUARDED_BY(mutex_), awaited_ BF_GUARDED_BY(mutex_);
  size_t idle_ BF_GUARDED_BY(mutex_) = 0;   // asleep until there is a task
  int in_a_row_ BF_GUARDED_BY(mutex_) = 0;  // awaited tasks that began since the last other one
  bool stopping_ BF_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
  std::thread for_awaited_;                               // made under the mutex, once there was a need
  bool no_awaited_thread_ BF_GUARDED_BY(mutex_) = false;  // there is to be none any more
};

}  // namespace

std::unique_ptr<Executor> make_thread_pool(size_t threads, const char* thread_name,
                                           std::function<size_t()> allowed) {
  return std::make_unique<ThreadPool>(threads, thread_name, std::move(allowed));
}

}  // namespace butterfuse
