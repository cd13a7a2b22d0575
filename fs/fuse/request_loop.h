// RequestLoop: the threads that take FUSE requests, arranged so that a lone client meets one warm thread.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/mutex.h"
#include "fs/fuse/ops.h"

namespace butterfuse {

// One worker at a time is the leader: it alone reads requests, and answers them itself as long as no one
// waits behind. It hands the lead to another worker before it works on a request when more requests are there
// already or this one is known to take long; and a watchdog takes the lead from one that works too long. So
// any number of requests may block without holding up others, but in the common case of one client there is
// no waking of cold threads. (libfuse's own loop wakes its threads in turn: twice the time for small
// requests.)
class RequestLoop {
 public:
  // `context.session` is mounted. At most `threads_max` workers, started as they are needed.
  RequestLoop(FuseContext& context, size_t threads_max);
  ~RequestLoop();
  // Serves on the calling thread and others until the kernel or interrupt() ends the session, and all workers
  // ended. 0, or a negative errno.
  int run();
  // Ends the session though it is still mounted: workers stop after the request they are at. From another
  // thread, while run() runs.
  void interrupt();

 private:
  struct Worker {
    std::thread thread;  // empty: the thread of run()
    pthread_t id{};
    CondVar chosen;
    fuse_buf buffer{};
    ~Worker();
  };

  void work(Worker& worker);
  // Reads and answers as the leader until the lead went to another; false at the end of the session.
  bool lead(Worker& worker);
  using Clock = std::chrono::steady_clock;
  void await_request(Clock::time_point since);
  bool receive(Worker& worker);
  void process_leading(Worker& worker);
  bool wait_for_lead(Worker& worker);
  void hand_over() BF_REQUIRES(mutex_);
  bool should_hand_over(const Worker& worker) const;
  void end(int error);
  void watch();
  void wake_watchdog();

  FuseContext& context_;
  fuse_session* const session_;
  const size_t threads_max_;
  const bool can_spin_;  // there is another processor for the client
  Mutex mutex_;
  std::vector<std::unique_ptr<Worker>> workers_ BF_GUARDED_BY(mutex_);
  std::vector<Worker*> idle_
      BF_GUARDED_BY(mutex_);  // the last to come is the first to go: its caches are warm
  Worker* leader_ BF_GUARDED_BY(mutex_) = nullptr;
  size_t running_ BF_GUARDED_BY(mutex_) = 0;
  bool ended_ BF_GUARDED_BY(mutex_) = false;
  int error_ BF_GUARDED_BY(mutex_) = 0;
  CondVar changed_;  // running_, ended_, the watchdog's sleep

  // Of the leader, handed on with the lead under mutex_.
  int spin_credit_ = 0;  // how much waiting awake has paid off lately
  int crowded_ = 0;      // requests in a row that were there before their turn

  std::atomic<uint64_t> requests_{0};      // begun by leaders
  std::atomic<bool> leader_works_{false};  // as opposed to waiting for a request
  std::atomic<bool> watchdog_sleeps_{false};
};

}  // namespace butterfuse
