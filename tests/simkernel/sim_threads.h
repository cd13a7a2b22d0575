// SPDX-License-Identifier: GPL-2.0-or-later
// SimThreads: the threads of this process take turns, and a seed says whose turn it is.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace butterfuse::simkernel {

// While one lives, the thread that made it and all threads that these start run one at a time. The turn may
// pass where a thread locks, unlocks, waits, sleeps or yields (interposed.cc sends those calls here), and
// time stands still but for those calls, and where all wait. So a seed has one course of events,
// whatever the machine does.
//
// One at a time per process. All others of its threads must be outside locks that these take.
class SimThreads {
 public:
  // `on_stuck`: called, with words, when nobody can go on any more or nobody ever stops; does not return.
  SimThreads(uint64_t seed, std::function<void(const std::string&)> on_stuck);
  ~SimThreads();  // REQUIRES that all other threads were joined
  SimThreads(const SimThreads&) = delete;
  SimThreads& operator=(const SimThreads&) = delete;
  static bool available();  // not in builds with a sanitizer
  // Null where the calling thread is none of them.
  static SimThreads* of_this_thread();

  void pause();  // somebody else may go on here
  // While one lives, its thread keeps the turn; it must not wait meanwhile.
  class Steady {
   public:
    explicit Steady(SimThreads& sim) : sim_(sim) { ++sim_.steady_; }
    ~Steady() { --sim_.steady_; }
    Steady(const Steady&) = delete;
    Steady& operator=(const Steady&) = delete;

   private:
    SimThreads& sim_;
  };
  // Until `ready()`, which changes nothing and is asked by whoever has the turn.
  void wait_until(const std::function<bool()>& ready);
  void sleep_ns(uint64_t ns);
  uint64_t now_ns() const { return now_ns_; }
  uint64_t random(uint64_t below) { return random_() % below; }

  // What the C library's functions are, with these threads.
  int lock_mutex(pthread_mutex_t* mutex);
  int unlock_mutex(pthread_mutex_t* mutex);
  int read_lock(pthread_rwlock_t* lock);
  int write_lock(pthread_rwlock_t* lock);
  int unlock(pthread_rwlock_t* lock);
  int wait(pthread_cond_t* condition, pthread_mutex_t* mutex, uint64_t deadline_ns);  // ETIMEDOUT
  void signal(pthread_cond_t* condition, bool all);
  int create(pthread_t* id, const pthread_attr_t* attributes, void* (*run)(void*), void* argument);
  int join(pthread_t id, void** result);

  static constexpr uint64_t kForever = UINT64_MAX;

 private:
  struct Thread;
  static void* run_thread(void* thread);
  Thread& self() const;
  std::vector<Thread*> able();
  Thread* choose(const std::vector<Thread*>& able);
  Thread* next();
  void pass_turn();
  void block(const void* object, const std::function<bool()>* ready, uint64_t deadline_ns);
  void wake(const void* object);
  std::string waiting_text() const;

  std::mt19937_64 random_;
  const std::function<void(const std::string&)> on_stuck_;
  std::vector<std::unique_ptr<Thread>> threads_;
  bool by_priority_ = false;
  uint64_t pause_in_ = 2;  // one of so many occasions is taken
  uint64_t now_ns_ = 0;
  uint64_t turns_ = 0;
  int steady_ = 0;
};

}  // namespace butterfuse::simkernel
