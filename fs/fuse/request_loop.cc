// RequestLoop: leader, followers and the watchdog.
#include "fs/fuse/request_loop.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "core/base/bytes.h"
#include "core/base/log.h"
#include "fs/fuse/raw_request.h"
#include "fs/vfs/scrub_table.h"

namespace butterfuse {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 1ms;  // a request that takes longer must not hold up others
constexpr auto kInterruptEvery = 20ms;
constexpr int kTicksBeforeSleep = 50;  // of the watchdog, without requests
constexpr auto kSpin = 60us;
constexpr int kSpinCredit = 8;
constexpr int kCrowdIsLoad = 2;     // requests in a row that were there before their turn
constexpr size_t kWarmBuffers = 4;  // idle workers that keep their megabyte
constexpr uint32_t kLongReadBytes = 32u << 10;

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
    case FUSE_LSEEK:
      return true;
    case FUSE_READ:
      if (bytes.size() < sizeof(fuse_in_header) + sizeof(fuse_read_in)) return false;
      return load<fuse_read_in>(bytes.subspan(sizeof(fuse_in_header))).size >= kLongReadBytes;
    default:
      return false;
  }
}

}  // namespace

RequestLoop::Worker::~Worker() { release_buffer(buffer); }

RequestLoop::RequestLoop(FuseContext& context, size_t threads_max)
    : context_(context),
      session_(context.session),
      threads_max_(threads_max),
      can_spin_(std::thread::hardware_concurrency() > 1) {}

RequestLoop::~RequestLoop() = default;

int RequestLoop::run() {
  const int descriptor = fuse_session_fd(session_);
  if (fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) != 0) return -errno;
  Worker* first = nullptr;
  {
    MutexLock lock(mutex_);
    first = workers_.emplace_back(std::make_unique<Worker>()).get();
    first->id = pthread_self();
    leader_ = first;
    ++running_;
  }
  std::thread watchdog([this] { watch(); });
  work(*first);
  wake_watchdog();
  watchdog.join();
  std::vector<std::unique_ptr<Worker>> workers;
  {
    MutexLock lock(mutex_);
    while (running_ > 0) changed_.wait(lock);
    workers.swap(workers_);
  }
  for (auto& worker : workers) {
    if (worker->thread.joinable()) worker->thread.join();
  }
  MutexLock lock(mutex_);
  return error_;
}

void RequestLoop::work(Worker& worker) {
  while (wait_for_lead(worker) && lead(worker)) {
  }
  MutexLock lock(mutex_);
  --running_;
  changed_.notify_all();
}

bool RequestLoop::wait_for_lead(Worker& worker) {
  MutexLock lock(mutex_);
  if (leader_ != &worker && !ended_) {
    idle_.push_back(&worker);
    if (idle_.size() > kWarmBuffers) release_buffer(worker.buffer);
  }
  while (leader_ != &worker && !ended_) worker.chosen.wait(lock);
  return !ended_;
}

bool RequestLoop::lead(Worker& worker) {
  for (;;) {
    if (!receive(worker)) return false;
    if (should_hand_over(worker)) {
      {
        MutexLock lock(mutex_);
        hand_over();
      }
      process_request(context_, worker.buffer);
    } else {
      process_leading(worker);
    }
    MutexLock lock(mutex_);
    if (ended_) return false;
    if (leader_ != &worker) return true;
    leader_works_.store(false);
  }
}

// A client that has its answer mostly asks again within microseconds, while putting a thread to sleep and
// waking it on another processor takes tens of them, more in a virtual machine. So the leader stays awake for
// a moment, as long as that keeps paying off. It yields to any other thread that wants the processor.
void RequestLoop::await_request(Clock::time_point since) {
  if (spin_credit_ > 0 && Clock::now() - since < kSpin) {
    sched_yield();
    return;
  }
  if (spin_credit_ > 0) --spin_credit_;
  pollfd descriptor{fuse_session_fd(session_), POLLIN, 0};
  poll(&descriptor, 1, -1);
  if (can_spin_ && Clock::now() - since < kSpin) spin_credit_ = kSpinCredit;
}

// The next request in the worker's buffer; false when the session has ended. REQUIRES a descriptor that does
// not block.
bool RequestLoop::receive(Worker& worker) {
  std::optional<Clock::time_point> since;
  for (;;) {
    const int got = fuse_session_receive_buf(session_, &worker.buffer);
    if (got > 0 && !fuse_session_exited(session_)) {
      crowded_ = since ? 0 : crowded_ + 1;
      if (since && spin_credit_ > 0 && Clock::now() - *since < kSpin)
        spin_credit_ = std::min(spin_credit_ + 1, kSpinCredit);
      return true;
    }
    if ((got != -EINTR && got != -EAGAIN) || fuse_session_exited(session_)) {
      end(got < 0 && got != -EINTR && got != -EAGAIN && got != -ENODEV ? got : 0);
      return false;
    }
    if (!since) since = Clock::now();
    await_request(*since);
  }
}

void RequestLoop::process_leading(Worker& worker) {
  requests_.fetch_add(1, std::memory_order_relaxed);
  leader_works_.store(true);
  if (watchdog_sleeps_.load()) wake_watchdog();
  process_request(context_, worker.buffer);
}

// One more request behind another is no load yet: a client that does not wait for the answer (to a release)
// has its next one there at once. Requests that keep coming faster than they are answered are.
bool RequestLoop::should_hand_over(const Worker& worker) const {
  return takes_long(worker.buffer) || crowded_ > kCrowdIsLoad;
}

// With all workers busy the lead stays where it is: requests then wait for the first to finish.
void RequestLoop::hand_over() {
  if (ended_ || (idle_.empty() && workers_.size() >= threads_max_)) return;
  leader_works_.store(false);  // the new one begins with waiting
  if (!idle_.empty()) {
    leader_ = idle_.back();
    idle_.pop_back();
    leader_->chosen.notify_one();
    return;
  }
  Worker* worker = workers_.emplace_back(std::make_unique<Worker>()).get();
  try {
    worker->thread = std::thread([this, worker] { work(*worker); });
  } catch (const std::system_error& error) {
    // The leader goes on alone: whoever waits behind it waits longer.
    log(LogLevel::warning, "no thread for another request: {}", error.what());
    workers_.pop_back();
    leader_works_.store(true);
    return;
  }
  worker->id = worker->thread.native_handle();
  leader_ = worker;
  ++running_;
}

void RequestLoop::end(int error) {
  context_.mount.scrubs().close();  // or its request would last
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
  context_.mount.scrubs().close();
  // Again and again: one signal could come just before the leader goes to sleep in read(2).
  MutexLock lock(mutex_);
  while (!ended_) {
    if (leader_ != nullptr) pthread_kill(leader_->id, SIGUSR1);
    changed_.wait_for(lock, kInterruptEvery);
  }
}

void RequestLoop::wake_watchdog() {
  MutexLock lock(mutex_);
  watchdog_sleeps_ = false;
  changed_.notify_all();
}

// Ticks only while there are requests. A leader seen at work on the same request at two ticks loses the lead.
void RequestLoop::watch() {
  uint64_t seen = 0;
  int quiet_ticks = 0;
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      if (quiet_ticks >= kTicksBeforeSleep) {
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
    if (!same || !leader_works_.load()) continue;
    MutexLock lock(mutex_);
    if (requests_.load() == seen && leader_works_.load()) hand_over();
  }
}

}  // namespace butterfuse
