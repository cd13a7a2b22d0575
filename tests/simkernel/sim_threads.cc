// SPDX-License-Identifier: GPL-2.0-or-later
// SimThreads: each thread has a semaphore, and whoever has the turn posts the next one's.
#include "tests/simkernel/sim_threads.h"

#include <errno.h>
#include <fmt/format.h>
#include <semaphore.h>

#include "tests/simkernel/real_threads.h"

namespace butterfuse::simkernel {
namespace {

constexpr uint64_t kTurnNs = 1000;
constexpr uint64_t kTurnsMax = 20'000'000;
constexpr uint64_t kPauses[] = {2, 5, 20, 100};

}  // namespace

struct SimThreads::Thread {
  SimThreads* owner;
  size_t number;
  sem_t turn;
  pthread_t id{};
  void* (*run)(void*) = nullptr;
  void* argument = nullptr;
  void* result = nullptr;
  bool ended = false;
  // While it waits: for a wake() of `object`, for ready() to hold, or for the deadline, whichever it has.
  bool waiting = false, timed_out = false;
  const void* object = nullptr;
  const std::function<bool()>* ready = nullptr;
  uint64_t deadline_ns = kForever;
  uint64_t priority = 0;

  Thread(SimThreads* owner_, size_t number_, uint64_t priority_)
      : owner(owner_), number(number_), priority(priority_) {
    sem_init(&turn, 0, 0);
  }
  ~Thread() { sem_destroy(&turn); }
};

namespace {
thread_local void* this_thread = nullptr;  // a SimThreads::Thread
}

SimThreads::SimThreads(uint64_t seed, std::function<void(const std::string&)> on_stuck)
    : random_(seed), on_stuck_(std::move(on_stuck)) {
  by_priority_ = random(2);
  pause_in_ = kPauses[random(std::size(kPauses))];
  threads_.push_back(std::make_unique<Thread>(this, 0, random_()));
  this_thread = threads_.back().get();
}

SimThreads::~SimThreads() { this_thread = nullptr; }

SimThreads* SimThreads::of_this_thread() {
  return this_thread == nullptr ? nullptr : static_cast<Thread*>(this_thread)->owner;
}

SimThreads::Thread& SimThreads::self() const { return *static_cast<Thread*>(this_thread); }

// ---- turns ----

std::vector<SimThreads::Thread*> SimThreads::able() {
  std::vector<Thread*> list;
  for (const auto& thread : threads_) {
    if (thread->ended) continue;
    if (thread->waiting && thread->ready != nullptr && (*thread->ready)()) thread->waiting = false;
    if (thread->waiting && thread->deadline_ns <= now_ns_) thread->waiting = false, thread->timed_out = true;
    if (!thread->waiting) list.push_back(thread.get());
  }
  return list;
}

SimThreads::Thread* SimThreads::choose(const std::vector<Thread*>& able) {
  if (!by_priority_) return able[random(able.size())];
  Thread* best = able.front();
  for (Thread* thread : able)
    if (thread->priority > best->priority) best = thread;
  return best;
}

SimThreads::Thread* SimThreads::next() {
  now_ns_ += kTurnNs;
  if (++turns_ > kTurnsMax) on_stuck_("nobody ever stops: " + waiting_text());
  for (;;) {
    if (const auto list = able(); !list.empty()) return choose(list);
    uint64_t earliest = kForever;
    for (const auto& thread : threads_)
      if (!thread->ended) earliest = std::min(earliest, thread->deadline_ns);
    if (earliest == kForever) on_stuck_("deadlock: " + waiting_text());
    now_ns_ = earliest;
  }
}

void SimThreads::pass_turn() {
  Thread& me = self();
  Thread* const chosen = next();
  if (chosen == &me) return;
  sem_post(&chosen->turn);
  while (sem_wait(&me.turn) != 0) {
  }
}

void SimThreads::pause() {
  if (steady_ > 0 || random(pause_in_) != 0) return;
  self().priority = random_();
  pass_turn();
}

void SimThreads::block(const void* object, const std::function<bool()>* ready, uint64_t deadline_ns) {
  if (steady_ > 0) on_stuck_("a thread waits that must not");
  Thread& me = self();
  me.waiting = true, me.timed_out = false;
  me.object = object, me.ready = ready, me.deadline_ns = deadline_ns;
  pass_turn();
  me.object = nullptr, me.ready = nullptr, me.deadline_ns = kForever;
}

void SimThreads::wake(const void* object) {
  for (const auto& thread : threads_)
    if (thread->waiting && thread->object == object) thread->waiting = false;
}

void SimThreads::wait_until(const std::function<bool()>& ready) {
  pause();
  while (!ready()) block(nullptr, &ready, kForever);
}

void SimThreads::sleep_ns(uint64_t ns) {
  self().priority = random_();
  block(nullptr, nullptr, now_ns_ + ns);
}

std::string SimThreads::waiting_text() const {
  std::string text;
  for (const auto& thread : threads_)
    if (!thread->ended)
      text += fmt::format("{}thread {} {}", text.empty() ? "" : ", ", thread->number,
                          !thread->waiting ? "runs"
                          : thread->ready  ? "waits for the kernel"
                          : thread->object ? fmt::format("waits for {}", thread->object)
                                           : "sleeps");
  return text;
}

// ---- locks ----

int SimThreads::lock_mutex(pthread_mutex_t* mutex) {
  pause();
  for (;;) {
    const int locked = real::mutex_trylock(mutex);
    if (locked != EBUSY) return locked;
    block(mutex, nullptr, kForever);
  }
}

int SimThreads::unlock_mutex(pthread_mutex_t* mutex) {
  const int unlocked = real::mutex_unlock(mutex);
  wake(mutex);
  pause();
  return unlocked;
}

int SimThreads::read_lock(pthread_rwlock_t* lock) {
  pause();
  for (;;) {
    const int locked = real::rwlock_tryrdlock(lock);
    if (locked != EBUSY) return locked;
    block(lock, nullptr, kForever);
  }
}

int SimThreads::write_lock(pthread_rwlock_t* lock) {
  pause();
  for (;;) {
    const int locked = real::rwlock_trywrlock(lock);
    if (locked != EBUSY) return locked;
    block(lock, nullptr, kForever);
  }
}

int SimThreads::unlock(pthread_rwlock_t* lock) {
  const int unlocked = real::rwlock_unlock(lock);
  wake(lock);
  pause();
  return unlocked;
}

int SimThreads::wait(pthread_cond_t* condition, pthread_mutex_t* mutex, uint64_t deadline_ns) {
  real::mutex_unlock(mutex);
  wake(mutex);
  block(condition, nullptr, deadline_ns);
  const bool timed_out = self().timed_out;
  lock_mutex(mutex);
  return timed_out ? ETIMEDOUT : 0;
}

void SimThreads::signal(pthread_cond_t* condition, bool all) {
  if (all) {
    wake(condition);
  } else {
    std::vector<Thread*> waiting;
    for (const auto& thread : threads_)
      if (thread->waiting && thread->object == condition) waiting.push_back(thread.get());
    if (!waiting.empty()) waiting[random(waiting.size())]->waiting = false;
  }
  pause();
}

// ---- threads ----

void* SimThreads::run_thread(void* argument) {
  auto* const thread = static_cast<Thread*>(argument);
  while (sem_wait(&thread->turn) != 0) {
  }
  this_thread = thread;
  thread->result = thread->run(thread->argument);
  thread->ended = true;
  this_thread = nullptr;
  // From here on this thread touches nothing of ours: the next one may end all.
  sem_post(&thread->owner->next()->turn);
  return nullptr;
}

int SimThreads::create(pthread_t* id, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  threads_.push_back(std::make_unique<Thread>(this, threads_.size(), random_()));
  Thread& thread = *threads_.back();
  thread.run = run, thread.argument = argument;
  const int created = real::create(&thread.id, attributes, run_thread, &thread);
  if (created != 0) {
    threads_.pop_back();
    return created;
  }
  *id = thread.id;
  pause();
  return 0;
}

int SimThreads::join(pthread_t id, void** result) {
  Thread* wanted = nullptr;
  for (const auto& thread : threads_)
    if (thread->number != 0 && !thread->ended && pthread_equal(thread->id, id)) wanted = thread.get();
  for (const auto& thread : threads_)  // ids come again once a thread was joined: the last one that had it
    if (wanted == nullptr && thread->number != 0 && pthread_equal(thread->id, id)) wanted = thread.get();
  if (wanted == nullptr) return real::join(id, result);
  wait_until([&] { return wanted->ended; });
  const int joined = real::join(id, nullptr);
  if (result != nullptr) *result = wanted->result;
  return joined;
}

}  // namespace butterfuse::simkernel
