// SPDX-License-Identifier: GPL-2.0-or-later
// RequestLoop: the threads that take FUSE requests, arranged so that a lone client meets one warm thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/mutex.h"
#include "fs/session/awake_processors.h"
#include "fs/session/client_processor.h"
#include "fs/session/lanes.h"
#include "fs/session/receiver.h"

namespace butterfuse {

// In quiet times one worker at a time waits for requests, and answers them itself: with one client no cold
// thread is ever woken. (libfuse's own loop wakes its threads in turn: twice the time for small requests.)
// Nobody waits for requests while it is at work, so a watchdog sets another worker to it when that lasts.
// Under load (requests that are known to take long, or come faster than they are answered) two wait: a
// request then meets a waiting worker though the other one copies a long request or, with the request in
// hand, waits for a processor. Any number of requests may block without holding up others.
class RequestLoop {
 public:
  // What the requests are for; both from any of the loop's threads, many at a time.
  struct Duty {
    std::function<void(const fuse_buf&)> process;  // one request, to its answer
    std::function<void()> cancel;                  // what takes long is to end soon: all ends
  };
  // `session` is mounted. At most `threads_max` workers, started as they are needed.
  RequestLoop(fuse_session* session, Duty duty, size_t threads_max);
  ~RequestLoop();
  // Serves until the kernel or interrupt() ends the session, and all workers ended. The calling thread is
  // the watchdog and never at work on a request: it dies when the process is killed, whatever a worker
  // waits for in the kernel (see MountHelper). 0, or a negative errno; throws std::system_error when there
  // is no thread at all.
  int run();
  // Ends the session though it is still mounted: workers stop after the request they are at. From another
  // thread, while run() runs.
  void interrupt();

 private:
  // Idle, receiving (waits for a request, or is chosen to), or at work on one.
  struct Worker {
    std::thread thread;
    CondVar chosen;
    std::atomic<bool> receiving{false};  // set under mutex_
    fuse_buf buffer{};
    Receiver::Past past;
    ClientProcessor client_processor;
    ~Worker();
  };

  void work(Worker& worker);
  bool wait_until_chosen(Worker& worker);
  // Answers the worker's request, or sets it aside (see Lanes); and those that waited for it to be over.
  void answer(Worker& worker);
  // Receives and answers until others do; false at the end of the session.
  bool serve(Worker& worker);
  bool receive(Worker& worker);
  void note_load(bool loads);
  bool keep_receiving(Worker& worker);
  // Sets another worker to receiving if none is and, with `seen`, if no request came since that one.
  void choose_receiver(std::optional<uint64_t> seen = {});
  Worker* free_worker() BF_REQUIRES(mutex_);
  Worker* new_worker() BF_REQUIRES(mutex_);
  size_t receivers_wanted() const;
  void end(int error);
  void watch();
  void wake_watchdog();

  fuse_session* const session_;
  const Duty duty_;
  const size_t threads_max_;
  const bool keeps_awake_;  // client and server meet on one processor; otherwise the server waits awake
  AwakeProcessors awake_;
  Receiver receiver_;
  Lanes lanes_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Worker>> workers_ BF_GUARDED_BY(mutex_);
  // The last to come is the first to go: its caches are warm.
  std::vector<Worker*> idle_ BF_GUARDED_BY(mutex_);
  size_t running_ BF_GUARDED_BY(mutex_) = 0;
  bool ended_ BF_GUARDED_BY(mutex_) = false;
  bool no_thread_told_ BF_GUARDED_BY(mutex_) = false;  // once until there is one again
  int error_ BF_GUARDED_BY(mutex_) = 0;
  CondVar changed_;  // running_, ended_, the watchdog's sleep

  std::atomic<size_t> receiving_{0};   // workers that are; counted up under mutex_ only
  std::atomic<int> load_{0};           // requests until one receiver is enough again
  std::atomic<uint64_t> requests_{0};  // received
  std::atomic<bool> watchdog_sleeps_{false};
};

}  // namespace butterfuse
