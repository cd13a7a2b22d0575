// The thread pool: threads that take tasks in the order of submission.
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
    for (size_t i = 0; i < std::max<size_t>(threads, 1); ++i) {
      try {
        threads_.emplace_back([this] { run(); });
      } catch (const std::system_error&) {
        if (threads_.empty()) throw;
        return;  // fewer do as well
      }
    }
  }

  ~ThreadPool() override {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void submit(Task task) override {
    {
      const MutexLock lock(mutex_);
      tasks_.push_back(std::move(task));
      if (!may_work()) return;  // those at work go on with it
    }
    wake_.notify_one();
  }

  size_t queue_depth() const override {
    const MutexLock lock(mutex_);
    return tasks_.size();
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

  bool may_work() const BF_REQUIRES(mutex_) { return !allowed_ || working_ < allowed_(); }

  Task wait_for_task() {  // empty: stop
    MutexLock lock(mutex_);
    for (;;) {
      if (tasks_.empty() && stopping_) return {};
      if (tasks_.empty())
        wake_.wait(lock);
      else if (stopping_ || may_work())
        break;
      else
        wake_.wait_for(lock, kAskAgain);  // those at work go on with the queue meanwhile
    }
    ++working_;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

  static constexpr auto kAskAgain = std::chrono::milliseconds(20);

  const std::string name_;
  const std::function<size_t()> allowed_;
  std::atomic<size_t> working_{0};
  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<Task> tasks_ BF_GUARDED_BY(mutex_);
  bool stopping_ BF_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Executor> make_thread_pool(size_t threads, const char* thread_name,
                                           std::function<size_t()> allowed) {
  return std::make_unique<ThreadPool>(threads, thread_name, std::move(allowed));
}

}  // namespace butterfuse
