// SPDX-License-Identifier: GPL-2.0-or-later
// Interposed: this program's pthread functions and clocks. Those of threads that take turns go to
// SimThreads, all others to the C library. Sanitizers have functions of their own there: with them
// nothing is put in front.
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/simkernel/fuse_channel.h"
#include "tests/simkernel/real_threads.h"
#include "tests/simkernel/sim_threads.h"

using butterfuse::simkernel::FuseChannel;
using butterfuse::simkernel::SimThreads;

namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kBootSeconds = 1'700'000'000;  // of all clocks, when turns begin

// The library has conditions of two kinds; only the newer one fits what a program of today initializes.
template <class Function>
Function library_function(const char* name) {
  void* found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
  if (found == nullptr) found = dlsym(RTLD_NEXT, name);
  return reinterpret_cast<Function>(found);
}

#define LIBRARY(function)                                                             \
  ([] {                                                                               \
    static decltype(&(function)) found = nullptr;                                     \
    if (found == nullptr) found = library_function<decltype(&(function))>(#function); \
    return found;                                                                     \
  }())

uint64_t to_ns(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

uint64_t deadline_of(const timespec& time) {
  const uint64_t boot = static_cast<uint64_t>(kBootSeconds) * kNsPerSecond, wanted = to_ns(time);
  return wanted > boot ? wanted - boot : 0;
}

}  // namespace

namespace butterfuse::simkernel {

bool SimThreads::available() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  return true;
#endif
}

namespace real {

int mutex_trylock(pthread_mutex_t* mutex) { return pthread_mutex_trylock(mutex); }
int mutex_unlock(pthread_mutex_t* mutex) { return LIBRARY(pthread_mutex_unlock)(mutex); }
int rwlock_tryrdlock(pthread_rwlock_t* lock) { return pthread_rwlock_tryrdlock(lock); }
int rwlock_trywrlock(pthread_rwlock_t* lock) { return pthread_rwlock_trywrlock(lock); }
int rwlock_unlock(pthread_rwlock_t* lock) { return LIBRARY(pthread_rwlock_unlock)(lock); }
int create(pthread_t* id, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  return LIBRARY(pthread_create)(id, attributes, run, argument);
}
int join(pthread_t id, void** result) { return LIBRARY(pthread_join)(id, result); }

}  // namespace real
}  // namespace butterfuse::simkernel

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->lock_mutex(mutex);
  return LIBRARY(pthread_mutex_lock)(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->unlock_mutex(mutex);
  return LIBRARY(pthread_mutex_unlock)(mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->read_lock(lock);
  return LIBRARY(pthread_rwlock_rdlock)(lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->write_lock(lock);
  return LIBRARY(pthread_rwlock_wrlock)(lock);
}

int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->unlock(lock);
  return LIBRARY(pthread_rwlock_unlock)(lock);
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  if (SimThreads* sim = SimThreads::of_this_thread())
    return sim->wait(condition, mutex, SimThreads::kForever);
  return LIBRARY(pthread_cond_wait)(condition, mutex);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* until) {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->wait(condition, mutex, deadline_of(*until));
  return LIBRARY(pthread_cond_timedwait)(condition, mutex, until);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->wait(condition, mutex, deadline_of(*until));
  return LIBRARY(pthread_cond_clockwait)(condition, mutex, clock, until);
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  SimThreads* sim = SimThreads::of_this_thread();
  if (sim == nullptr) return LIBRARY(pthread_cond_signal)(condition);
  sim->signal(condition, false);
  return 0;
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  SimThreads* sim = SimThreads::of_this_thread();
  if (sim == nullptr) return LIBRARY(pthread_cond_broadcast)(condition);
  sim->signal(condition, true);
  return 0;
}

int pthread_create(pthread_t* id, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) noexcept {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->create(id, attributes, run, argument);
  return LIBRARY(pthread_create)(id, attributes, run, argument);
}

int pthread_join(pthread_t id, void** result) {
  if (SimThreads* sim = SimThreads::of_this_thread()) return sim->join(id, result);
  return LIBRARY(pthread_join)(id, result);
}

int sched_yield() noexcept {
  SimThreads* sim = SimThreads::of_this_thread();
  if (sim == nullptr) return static_cast<int>(syscall(SYS_sched_yield));
  sim->sleep_ns(0);
  return 0;
}

int nanosleep(const timespec* time, timespec* left) {
  SimThreads* sim = SimThreads::of_this_thread();
  if (sim == nullptr) return LIBRARY(nanosleep)(time, left);
  sim->sleep_ns(to_ns(*time));
  return 0;
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  SimThreads* sim = SimThreads::of_this_thread();
  if (sim == nullptr) return LIBRARY(clock_gettime)(clock, time);
  time->tv_sec = kBootSeconds + static_cast<int64_t>(sim->now_ns() / kNsPerSecond);
  time->tv_nsec = static_cast<long>(sim->now_ns() % kNsPerSecond);
  return 0;
}

int get_nprocs() noexcept { return SimThreads::of_this_thread() != nullptr ? 2 : LIBRARY(get_nprocs)(); }

ssize_t getrandom(void* buffer, size_t bytes, unsigned flags) {
  SimThreads* sim = SimThreads::of_this_thread();
  if (sim == nullptr) return syscall(SYS_getrandom, buffer, bytes, flags);
  for (size_t i = 0; i < bytes; ++i)
    static_cast<unsigned char*>(buffer)[i] = static_cast<unsigned char>(sim->random(256));
  return static_cast<ssize_t>(bytes);
}

// The kernel's end of the device: an answer is delivered, a notification done, before the call returns.
ssize_t writev(int fd, const iovec* vectors, int count) {
  if (FuseChannel* channel = FuseChannel::of_descriptor(fd)) return channel->deliver(vectors, count);
  return syscall(SYS_writev, fd, vectors, count);
}

}  // extern "C"
#endif
