// SPDX-License-Identifier: GPL-2.0-or-later
// RequestLoop: receivers, workers and the watchdog.
//
// What the numbers below are about, on the way of one request:
//
//   a receiver waits       see Receiver
//   it has the request     known to take long, or one of a crowd: another receiver is chosen first
//   it works               1 to 2 ms later nobody receives: the watchdog chooses another one (kPatience)
//   it has answered        receives again, unless one does already (two under load); else it is idle
//   10 requests in a ms    processors are kept awake, and who works goes where the client runs
//   50 ms without request  the watchdog sleeps, until a request wakes it
#include "fs/session/request_loop.h"

#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>
#include <system_error>

#include "core/base/bytes.h"
#include "core/base/log.h"
#include "fs/fuse/request_at_work.h"
#include "fs/session/request_kind.h"
#include "fs/session/time_slice.h"

namespace butterfuse {
namespace {

using namespace std::chrono_literals;

// A request that takes longer must not hold up others. Smaller: the watchdog wakes more often than it helps;
// larger: what comes behind a slow request waits as long.
constexpr auto kPatience = 1ms;
constexpr auto kInterruptEvery = 20ms;  // signals at the end of the session, until all receivers have heard
constexpr int kTicksBeforeSleep = 50;   // of the watchdog, without requests: an idle mount wakes nobody
constexpr int kCrowdIsLoad = 2;         // requests in a row that were there before their turn
constexpr int kLoadLasts = 8;           // requests behind the last that was load
// Requests from one tick of the watchdog to the next from which on they come so fast that a processor which
// falls asleep in between is what takes longest: one in 100 us or less.
constexpr uint64_t kKeepComing = 10;
constexpr int kTicksAwake = 3;  // that processors are kept awake behind the last of them
// Idle workers that keep their request buffer, which is as long as the longest request. The others have to
// ask for one anew: they were needed in a crowd that is over.
constexpr size_t kWarmBuffers = 4;

ByteSpan request_in(const fuse_buf& buffer) {
  return {static_cast<const std::byte*>(buffer.mem), buffer.size};
}

// The thread that waits for the answer; 0: unknown, or nobody.
pid_t client_of(ByteSpan request) {
  return request.size() < sizeof(fuse_in_header) ? 0 : static_cast<pid_t>(load<fuse_in_header>(request).pid);
}

void release_buffer(fuse_buf& buffer) {
  std::free(buffer.mem);
  buffer = {};
}

void reply_interrupted(fuse_session* session, uint64_t unique) {
  fuse_in_header header{};
  header.unique = unique;
  (void)reply_raw(session, object_bytes(header), EINTR, {});
}

}  // namespace

RequestLoop::Worker::~Worker() { release_buffer(buffer); }

RequestLoop::RequestLoop(fuse_session* session, Duty duty, size_t threads_max)
    : session_(session),
      duty_(std::move(duty)),
      threads_max_(threads_max),
      keeps_awake_(AwakeProcessors::pays()),
      receiver_(session_, keeps_awake_ ? Receiver::Waits::asleep : Receiver::Waits::awake),
      lanes_(threads_max) {}

RequestLoop::~RequestLoop() = default;

int RequestLoop::run() {
  if (const Status prepared = receiver_.prepare(); !prepared) return -prepared.error().code;
  // All other threads of the loop inherit it, and none that writes back but the one for what is awaited.
  shorten_time_slice();
  {
    MutexLock lock(mutex_);
    no_thread_told_ = true;  // the exception tells it
    (void)free_worker();
    if (receiving_ == 0) throw std::system_error(EAGAIN, std::generic_category());
  }
  watch();
  awake_.keep(false);
  std::vector<std::unique_ptr<Worker>> workers;
  {
    MutexLock lock(mutex_);
    while (running_ > 0) changed_.wait(lock);
    workers.swap(workers_);
  }
  for (auto& worker : workers) worker->thread.join();
  MutexLock lock(mutex_);
  return error_;
}

// A worker is idle, receives, or is at work; receiving_ counts the second kind, and never needs the mutex
// to go down.
void RequestLoop::work(Worker& worker) {
  while (wait_until_chosen(worker) && serve(worker)) {
  }
  MutexLock lock(mutex_);
  --running_;
  changed_.notify_all();
}

bool RequestLoop::wait_until_chosen(Worker& worker) {
  MutexLock lock(mutex_);
  if (!worker.receiving && !ended_) {
    idle_.push_back(&worker);
    if (idle_.size() > kWarmBuffers) release_buffer(worker.buffer);
  }
  while (!worker.receiving && !ended_) worker.chosen.wait(lock);
  if (!ended_) return true;
  if (worker.receiving.exchange(false)) --receiving_;  // chosen at the end
  return false;
}

bool RequestLoop::serve(Worker& worker) {
  do {
    const bool received = receive(worker);
    worker.receiving = false;
    const bool none_receives = --receiving_ == 0;
    if (!received) return false;
    requests_.fetch_add(1, std::memory_order_relaxed);
    const bool loads = takes_long(request_in(worker.buffer)) || worker.past.crowded > kCrowdIsLoad;
    note_load(loads);
    if (none_receives && loads) choose_receiver();
    if (watchdog_sleeps_.load()) wake_watchdog();
    // From here on the watchdog sees to it that another receives, however long this one takes.
    if (keeps_awake_) worker.client_processor.follow(client_of(request_in(worker.buffer)));
    answer(worker);
  } while (keep_receiving(worker));
  return true;
}

void RequestLoop::answer(Worker& worker) {
  const ByteSpan request = request_in(worker.buffer);
  if (const auto unique = interrupted_request(request); unique && lanes_.take_out(*unique)) {
    reply_interrupted(session_, *unique);
    return;
  }
  std::optional<Lanes::Ticket> ticket;
  try {
    ticket = lanes_.enter(request);
  } catch (const std::bad_alloc&) {
    // What the kernel needs no more it does not say twice: nobody waits for that,
    // so it may as well be done now.
    if (Lanes::lane_of(request) == Lanes::Lane::ends)
      duty_.process(worker.buffer);
    else
      (void)reply_raw(session_, request, ENOMEM, {});
    return;
  }
  bool was_in_line = false;
  while (ticket) {
    duty_.process(worker.buffer);
    ticket = lanes_.leave(*ticket, worker.buffer);
    was_in_line |= ticket.has_value();
  }
  if (was_in_line) release_buffer(worker.buffer);  // it is too short to receive another
}

// The next request in the worker's buffer; false when the session has ended.
bool RequestLoop::receive(Worker& worker) {
  const auto received = receiver_.receive(worker.buffer, worker.past);
  if (received && *received) return true;
  end(received ? 0 : -received.error().code);
  return false;
}

// One more request behind another is no load yet: a client that does not wait for the answer (to a release)
// has its next one there at once. Requests that keep coming faster than they are answered are.
void RequestLoop::note_load(bool loads) {
  if (loads)
    load_ = kLoadLasts;
  else if (const int left = load_; left > 0)
    load_ = left - 1;  // another receiver's doing may get lost: no matter
}

size_t RequestLoop::receivers_wanted() const { return load_ > 0 ? 2 : 1; }

// Its buffer and caches are warm: it goes on as long as there are too few who receive.
bool RequestLoop::keep_receiving(Worker& worker) {
  MutexLock lock(mutex_);
  if (ended_ || receiving_ >= receivers_wanted()) return false;
  worker.receiving = true;
  ++receiving_;
  return true;
}

void RequestLoop::choose_receiver(std::optional<uint64_t> seen) {
  Worker* worker = nullptr;
  {
    MutexLock lock(mutex_);
    if (ended_ || receiving_ > 0 || (seen && requests_.load() != *seen)) return;
    worker = free_worker();
  }
  if (worker != nullptr) worker->chosen.notify_one();  // not under the mutex it needs: it may run at once
}

// Makes an idle or a new worker a receiver; whom to wake, if anyone. With all workers busy there is none:
// requests then wait for the first to finish.
RequestLoop::Worker* RequestLoop::free_worker() {
  if (!idle_.empty()) {
    Worker* worker = idle_.back();
    idle_.pop_back();
    worker->receiving = true;
    ++receiving_;
    return worker;
  }
  if (workers_.size() >= threads_max_) return nullptr;
  Worker* const worker = new_worker();
  if (worker == nullptr) return nullptr;  // whoever comes next waits longer; the watchdog tries again
  ++receiving_;
  ++running_;
  return nullptr;
}

// Its thread can begin only when mutex_ is free. Nothing when there is no thread or no memory to be had.
RequestLoop::Worker* RequestLoop::new_worker() {
  const size_t workers = workers_.size();
  try {
    Worker* const worker = workers_.emplace_back(std::make_unique<Worker>()).get();
    worker->receiving = true;
    worker->thread = std::thread([this, worker] { work(*worker); });
    no_thread_told_ = false;
    return worker;
  } catch (const std::system_error& error) {
    if (!std::exchange(no_thread_told_, true))
      log(LogLevel::warning, "no thread for another request: {}", error.what());
  } catch (const std::bad_alloc&) {
    // As above, without words.
  }
  workers_.resize(workers);
  return nullptr;
}

void RequestLoop::end(int error) {
  duty_.cancel();  // or their requests would last
  MutexLock lock(mutex_);
  if (!ended_) error_ = error;
  ended_ = true;
  for (Worker* worker : idle_) worker->chosen.notify_one();
  idle_.clear();
  changed_.notify_all();
}

void RequestLoop::interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // its only effect is EINTR
  sigaction(SIGUSR1, &action, nullptr);
  fuse_session_exit(session_);
  duty_.cancel();
  // Again and again: one signal could come just before a receiver goes to sleep in poll(2).
  MutexLock lock(mutex_);
  while (!ended_ || receiving_ > 0) {
    for (const auto& worker : workers_) {
      if (worker->receiving) pthread_kill(worker->thread.native_handle(), SIGUSR1);
    }
    changed_.wait_for(lock, kInterruptEvery);
  }
}

void RequestLoop::wake_watchdog() {
  MutexLock lock(mutex_);
  watchdog_sleeps_ = false;
  changed_.notify_all();
}

// Ticks only while there are requests. When no worker receives and no request came since the last tick,
// whoever is at work takes long.
void RequestLoop::watch() {
  uint64_t seen = 0;
  int quiet_ticks = 0, awake_ticks = 0;
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      if (quiet_ticks >= kTicksBeforeSleep && receiving_ > 0) {
        watchdog_sleeps_ = true;
        while (watchdog_sleeps_ && !ended_ && requests_.load() == seen) changed_.wait(lock);
        watchdog_sleeps_ = false;
        quiet_ticks = 0;
      }
    }
    std::this_thread::sleep_for(kPatience);
    const uint64_t now = requests_.load();
    const bool same = now == seen;
    awake_ticks = now - seen >= kKeepComing ? kTicksAwake : std::max(awake_ticks - 1, 0);
    if (keeps_awake_) awake_.keep(awake_ticks > 0);
    seen = now;
    quiet_ticks = same ? quiet_ticks + 1 : 0;
    if (same && receiving_ == 0) choose_receiver(seen);
  }
}

}  // namespace butterfuse
