// SPDX-License-Identifier: GPL-2.0-or-later
// AwakeProcessors: what keeps processors from falling asleep while requests keep coming.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace butterfuse {

// On each processor a thread of the lowest priority that does nothing, while somebody wants it. An idle
// processor of a virtual machine takes 20 us and more to wake, which is longer than a request: and the
// scheduler puts a client that is woken on an idle processor if there is one.
class AwakeProcessors {
 public:
  AwakeProcessors() = default;
  ~AwakeProcessors();  // ends the threads
  AwakeProcessors(const AwakeProcessors&) = delete;
  AwakeProcessors& operator=(const AwakeProcessors&) = delete;

  // It pays on this machine: two to four processors, and nobody counts how long we use them (cpu.max of
  // cgroup v2, cpu.cfs_quota_us of v1).
  static bool pays();
  // From now on, until it is called otherwise. From one thread. Where there are no more threads to be had,
  // fewer processors stay awake.
  void keep(bool awake);

 private:
  using Clock = std::chrono::steady_clock;
  enum class State : int { asleep, awake, ended };

  void start();
  void stay_awake(int processor);
  Clock::duration spin();

  std::atomic<State> state_{State::asleep};
  bool started_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace butterfuse
