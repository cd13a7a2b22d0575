// SPDX-License-Identifier: GPL-2.0-or-later
// Annotated mutexes and lock values: clang's -Wthread-safety checks who holds what.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define BF_TSA(x) __attribute__((x))
#else
#define BF_TSA(x)
#endif
#define BF_CAPABILITY(x) BF_TSA(capability(x))
#define BF_SCOPED_CAPABILITY BF_TSA(scoped_lockable)
#define BF_GUARDED_BY(x) BF_TSA(guarded_by(x))
#define BF_PT_GUARDED_BY(x) BF_TSA(pt_guarded_by(x))
#define BF_REQUIRES(...) BF_TSA(requires_capability(__VA_ARGS__))
#define BF_REQUIRES_SHARED(...) BF_TSA(requires_shared_capability(__VA_ARGS__))
#define BF_ACQUIRE(...) BF_TSA(acquire_capability(__VA_ARGS__))
#define BF_ACQUIRE_SHARED(...) BF_TSA(acquire_shared_capability(__VA_ARGS__))
#define BF_RELEASE(...) BF_TSA(release_capability(__VA_ARGS__))
#define BF_RELEASE_GENERIC(...) BF_TSA(release_generic_capability(__VA_ARGS__))
#define BF_EXCLUDES(...) BF_TSA(locks_excluded(__VA_ARGS__))
#define BF_NO_THREAD_SAFETY_ANALYSIS BF_TSA(no_thread_safety_analysis)

namespace butterfuse {

class BF_CAPABILITY("mutex") Mutex {
 public:
  void lock() BF_ACQUIRE() { mutex_.lock(); }
  void unlock() BF_RELEASE() { mutex_.unlock(); }
  bool try_lock() BF_TSA(try_acquire_capability(true)) { return mutex_.try_lock(); }
  std::mutex& native() { return mutex_; }

 private:
  std::mutex mutex_;
};

// Who goes first when a writer waits: readers may come as long as others are reading (a thread that reads may
// read again), or new ones wait for the writer (a thread that reads must not).
enum class Precedence : uint8_t { readers, writers };

// Writers first costs readers one atomic load while no writer waits. A gate does it and not the mutex itself,
// since std::shared_mutex leaves open who goes first, and here lets readers pass as long as there are any.
class BF_CAPABILITY("shared_mutex") SharedMutex {
 public:
  explicit SharedMutex(Precedence precedence = Precedence::readers) : precedence_(precedence) {}
  void lock() BF_ACQUIRE() {
    if (precedence_ == Precedence::readers) return mutex_.lock();
    ++waiting_writers_;
    {
      std::lock_guard gate(gate_);
      mutex_.lock();
    }
    --waiting_writers_;
  }
  void unlock() BF_RELEASE() { mutex_.unlock(); }
  void lock_shared() BF_ACQUIRE_SHARED() {
    if (waiting_writers_.load(std::memory_order_relaxed) > 0) {
      std::lock_guard behind_the_writer(gate_);
    }
    mutex_.lock_shared();
  }
  void unlock_shared() BF_RELEASE_GENERIC() { mutex_.unlock_shared(); }
  bool try_lock_shared() BF_TSA(try_acquire_shared_capability(true)) { return mutex_.try_lock_shared(); }

 private:
  const Precedence precedence_;
  std::atomic<uint32_t> waiting_writers_{0};  // counted where writers go first
  std::mutex gate_;                           // held by the writer that is next
  std::shared_mutex mutex_;
};

class BF_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) BF_ACQUIRE(mutex) : lock_(mutex.native()) {}
  ~MutexLock() BF_RELEASE() {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  friend class CondVar;
  std::unique_lock<std::mutex> lock_;
};

class BF_SCOPED_CAPABILITY ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) BF_ACQUIRE_SHARED(mutex) : mutex_(mutex) { mutex_.lock_shared(); }
  ~ReaderLock() BF_RELEASE_GENERIC() { mutex_.unlock_shared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class BF_SCOPED_CAPABILITY WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) BF_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriterLock() BF_RELEASE() { mutex_.unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// Locks only if nobody has it: for where waiting would be against the lock order.
// The analysis does not see these.
class TryMutexLock {
 public:
  explicit TryMutexLock(Mutex& mutex) BF_NO_THREAD_SAFETY_ANALYSIS
      : mutex_(mutex.try_lock() ? &mutex : nullptr) {}
  ~TryMutexLock() BF_NO_THREAD_SAFETY_ANALYSIS {
    if (mutex_ != nullptr) mutex_->unlock();
  }
  TryMutexLock(const TryMutexLock&) = delete;
  TryMutexLock& operator=(const TryMutexLock&) = delete;
  explicit operator bool() const { return mutex_ != nullptr; }

 private:
  Mutex* const mutex_;
};

class TryReaderLock {
 public:
  explicit TryReaderLock(SharedMutex& mutex) BF_NO_THREAD_SAFETY_ANALYSIS
      : mutex_(mutex.try_lock_shared() ? &mutex : nullptr) {}
  ~TryReaderLock() BF_NO_THREAD_SAFETY_ANALYSIS {
    if (mutex_ != nullptr) mutex_->unlock_shared();
  }
  TryReaderLock(const TryReaderLock&) = delete;
  TryReaderLock& operator=(const TryReaderLock&) = delete;
  explicit operator bool() const { return mutex_ != nullptr; }

 private:
  SharedMutex* const mutex_;
};

// Waits on a held MutexLock; spurious wake-ups happen, so use a loop at the call.
class CondVar {
 public:
  void wait(MutexLock& held) { condition_.wait(held.lock_); }
  // False when the time ran out.
  template <class Rep, class Period>
  bool wait_for(MutexLock& held, std::chrono::duration<Rep, Period> time) {
    return condition_.wait_for(held.lock_, time) == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace butterfuse
