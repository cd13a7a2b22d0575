// SPDX-License-Identifier: GPL-2.0-or-later
// AwakeProcessors: threads at nice 19.
//
// Not SCHED_IDLE: a processor with only such threads counts as idle, and clients would be moved there. The
// threads yield again and again, so that whoever else wants the processor has it within a few microseconds.
//
// That holds within one scheduling group. To another one, of a container or of another session (autogroup),
// priority and yields mean nothing: half of the processor would be ours. So a thread that was kept waiting
// rests: somebody keeps its processor awake.
#include "fs/session/awake_processors.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "core/base/control_group.h"

namespace butterfuse {
namespace {

using namespace std::chrono_literals;

constexpr int kLowest = 19;
// What more of them would do all the time is not known, and there it costs more than it brings.
constexpr int kProcessorsMax = 4;
constexpr auto kOthersRan = 500us;  // no yield takes so long with nobody else there
constexpr auto kRest = 2ms;
constexpr int kRestsMax = 16;         // 32 ms: who then uses the processor alone finds it asleep for so long
constexpr int kPausesPerYield = 300;  // 10 us and more: a yield takes a lock that wake-ups need

void pause_for_a_moment() {
  for (int i = 0; i < kPausesPerYield; ++i) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
    std::atomic_signal_fence(std::memory_order_seq_cst);  // or there would be no loop
  }
}

std::vector<int> allowed_processors() {
  std::vector<int> processors;
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return processors;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor)
    if (CPU_ISSET(processor, &allowed)) processors.push_back(processor);
  return processors;
}

}  // namespace

AwakeProcessors::~AwakeProcessors() {
  state_ = State::ended;
  state_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool AwakeProcessors::pays() {
  const size_t processors = allowed_processors().size();
  return processors >= 2 && processors <= kProcessorsMax && !processor_time_is_limited();
}

// Takes no lock: threads that seldom run would hold up who asks.
void AwakeProcessors::keep(bool awake) {
  const State wanted = awake ? State::awake : State::asleep;
  if (state_.load(std::memory_order_relaxed) == wanted) return;
  if (awake && !started_) start();
  state_ = wanted;
  if (awake) state_.notify_all();
}

void AwakeProcessors::start() {
  started_ = true;
  try {
    for (const int processor : allowed_processors())
      threads_.emplace_back([this, processor] { stay_awake(processor); });
  } catch (const std::system_error&) {  // no more threads: as many as there are
  }
}

void AwakeProcessors::stay_awake(int processor) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  // On no other processor, and in nobody's way, or not at all.
  if (sched_setaffinity(0, sizeof one, &one) != 0) return;
  if (setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kLowest) != 0) return;
  int rests = 1;  // the next time that others run
  for (State state; (state = state_.load()) != State::ended;) {
    if (state == State::asleep) {
      state_.wait(State::asleep);
    } else if (spin() < kRest) {
      for (int rested = 0; rested < rests && state_ == State::awake; ++rested)
        std::this_thread::sleep_for(kRest);
      rests = std::min(rests * 2, kRestsMax);
    } else {
      rests = 1;
    }
  }
}

// Until others ran, or it is not wanted any more; for how long the processor was left alone.
AwakeProcessors::Clock::duration AwakeProcessors::spin() {
  const auto began = Clock::now();
  for (auto before = began; state_.load(std::memory_order_relaxed) == State::awake;) {
    pause_for_a_moment();
    sched_yield();
    const auto now = Clock::now();
    if (now - before > kOthersRan) return before - began;
    before = now;
  }
  return kRest;
}

}  // namespace butterfuse
