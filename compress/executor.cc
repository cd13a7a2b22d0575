// The thread pool: threads that take tasks in the order of submission.
#include "compress/executor.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
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
  ThreadPool(size_t threads, std::string name) : name_(std::move(name)) {
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
    while (Task task = wait_for_task()) task();
  }

  Task wait_for_task() {  // empty: stop
    MutexLock lock(mutex_);
    while (tasks_.empty() && !stopping_) wake_.wait(lock);
    if (tasks_.empty()) return {};
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

  const std::string name_;
  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<Task> tasks_ BF_GUARDED_BY(mutex_);
  bool stopping_ BF_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Executor> make_thread_pool(size_t threads, const char* thread_name) {
  return std::make_unique<ThreadPool>(threads, thread_name);
}

}  // namespace butterfuse
