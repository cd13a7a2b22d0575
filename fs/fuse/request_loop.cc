// RequestLoop: receivers, workers and the watchdog.
#include "fs/fuse/request_loop.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>
#include <system_error>

#include "core/base/bytes.h"
#include "core/base/log.h"
#include "fs/fuse/raw_ops.h"
#include "fs/fuse/raw_request.h"
#include "fs/fuse/time_slice.h"
#include "fs/vfs/scrub_table.h"

namespace butterfuse {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 1ms;  // a request that takes longer must not hold up others
constexpr auto kInterruptEvery = 20ms;
constexpr int kTicksBeforeSleep = 50;  // of the watchdog, without requests
constexpr auto kSpin = 60us;
constexpr int kSpinCredit = 8;
constexpr int kCrowdIsLoad = 2;             // requests in a row that were there before their turn
constexpr int kLoadLasts = 64;              // requests
constexpr auto kOthersRan = 20us;           // no yield takes so long with nobody else there
constexpr size_t kWarmBuffers = 4;          // idle workers that keep their request buffer
constexpr uint32_t kLongBytes = 32u << 10;  // of a read or write

void release_buffer(fuse_buf& buffer) {
  std::free(buffer.mem);
  buffer = {};
}

// Requests that wait for the disk as a rule.
bool takes_long(const fuse_buf& buffer) {
  const ByteSpan bytes(static_cast<const std::byte*>(buffer.mem), buffer.size);
  if (bytes.size() < sizeof(fuse_in_header)) return false;
  switch (load<fuse_in_header>(bytes).opcode) {
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case kSyncfs:
    case FUSE_LSEEK:
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:
    case kCopyFileRange64:
      return true;
    case FUSE_IOCTL:
      return Lanes::lane_of(bytes) > Lanes::Lane::data;
    case FUSE_READ:
      if (bytes.size() < sizeof(fuse_in_header) + sizeof(fuse_read_in)) return false;
      return load<fuse_read_in>(bytes.subspan(sizeof(fuse_in_header))).size >= kLongBytes;
    case FUSE_WRITE:
      return bytes.size() >= kLongBytes;
    default:
      return false;
  }
}

// Which request is not wanted any more, if that is what this one says.
std::optional<uint64_t> interrupted_request(ByteSpan request) {
  if (request.size() < sizeof(fuse_in_header) + sizeof(fuse_interrupt_in)) return std::nullopt;
  if (load<fuse_in_header>(request).opcode != FUSE_INTERRUPT) return std::nullopt;
  return load<fuse_interrupt_in>(request.subspan(sizeof(fuse_in_header))).unique;
}

void reply_interrupted(fuse_session* session, uint64_t unique) {
  fuse_in_header header{};
  header.unique = unique;
  (void)reply_raw(session, object_bytes(header), EINTR, {});
}

}  // namespace

void cancel_long_calls(FuseContext& context) {
  context.ending = true;
  context.mount.scrubs().close();
}

RequestLoop::Worker::~Worker() { release_buffer(buffer); }

RequestLoop::RequestLoop(FuseContext& context, size_t threads_max)
    : context_(context),
      session_(context.session),
      threads_max_(threads_max),
      lanes_(threads_max),
      can_spin_(std::thread::hardware_concurrency() > 1) {}

RequestLoop::~RequestLoop() = default;

int RequestLoop::run() {
  const int descriptor = fuse_session_fd(session_);
  if (fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) != 0) return -errno;
  shorten_time_slice();  // all other threads of the loop inherit it, and none that writes back
  {
    MutexLock lock(mutex_);
    no_thread_told_ = true;  // the exception tells it
    (void)free_worker();
    if (receiving_ == 0) throw std::system_error(EAGAIN, std::generic_category());
  }
  watch();
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
    const bool loads = takes_long(worker.buffer) || worker.crowded > kCrowdIsLoad;
    note_load(loads);
    if (none_receives && loads) choose_receiver();
    if (watchdog_sleeps_.load()) wake_watchdog();
    answer(worker);
  } while (keep_receiving(worker));
  return true;
}

void RequestLoop::answer(Worker& worker) {
  const ByteSpan request(static_cast<const std::byte*>(worker.buffer.mem), worker.buffer.size);
  if (const auto unique = interrupted_request(request); unique && lanes_.take_out(*unique)) {
    reply_interrupted(session_, *unique);
    return;
  }
  std::optional<Lanes::Ticket> ticket;
  try {
    ticket = lanes_.enter(request);
  } catch (const std::bad_alloc&) {
    // What the kernel needs no more it does not say twice: nobody waits for that, so it may as well be done now.
    if (Lanes::lane_of(request) == Lanes::Lane::ends)
      process_request(context_, worker.buffer);
    else
      (void)reply_raw(session_, request, ENOMEM, {});
    return;
  }
  bool was_in_line = false;
  while (ticket) {
    process_request(context_, worker.buffer);
    ticket = lanes_.leave(*ticket, worker.buffer);
    was_in_line |= ticket.has_value();
  }
  if (was_in_line) release_buffer(worker.buffer);  // it is too short to receive another
}

// The next request in the worker's buffer; false when the session has ended. REQUIRES a descriptor that does
// not block.
bool RequestLoop::receive(Worker& worker) {
  std::optional<Clock::time_point> since;
  for (;;) {
    const int got = fuse_session_receive_buf(session_, &worker.buffer);
    if (got > 0 && !fuse_session_exited(session_)) {
      worker.crowded = since ? 0 : worker.crowded + 1;
      if (since && worker.spin_credit > 0 && Clock::now() - *since < kSpin)
        worker.spin_credit = std::min(worker.spin_credit + 1, kSpinCredit);
      return true;
    }
    if ((got != -EINTR && got != -EAGAIN) || fuse_session_exited(session_)) {
      end(got < 0 && got != -EINTR && got != -EAGAIN && got != -ENODEV ? got : 0);
      return false;
    }
    if (!since) since = Clock::now();
    await_request(worker, *since);
  }
}

void RequestLoop::await_request(Worker& worker, Clock::time_point since) {
  if (spin(worker, since)) return;
  pollfd descriptor{fuse_session_fd(session_), POLLIN, 0};
  poll(&descriptor, 1, -1);
  if (can_spin_ && Clock::now() - since < kSpin) worker.spin_credit = kSpinCredit;
}

// A client that has its answer mostly asks again within microseconds, while putting a thread to sleep and
// waking it on another processor takes tens of them, more in a virtual machine. So one receiver stays awake
// for a moment, as long as that keeps paying off. It yields to any other thread that wants the processor; and
// one that waits for its turn again is served later than one that a request wakes, so it then goes to sleep.
bool RequestLoop::spin(Worker& worker, Clock::time_point since) {
  if (worker.spin_credit == 0) return false;
  const auto now = Clock::now();
  if (now - since >= kSpin) {
    --worker.spin_credit;
    return false;
  }
  if (spins_.exchange(true)) return false;
  sched_yield();
  spins_ = false;
  if (Clock::now() - now >= kOthersRan) worker.spin_credit = 0;
  return true;
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
  cancel_long_calls(context_);  // or their requests would last
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
  cancel_long_calls(context_);
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
  int quiet_ticks = 0;
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
    seen = now;
    quiet_ticks = same ? quiet_ticks + 1 : 0;
    if (same && receiving_ == 0) choose_receiver(seen);
  }
}

}  // namespace butterfuse
