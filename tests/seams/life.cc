// SPDX-License-Identifier: GPL-2.0-or-later
// Life: its end.
#include "tests/seams/life.h"

#include <chrono>

namespace butterfuse::seams {

void Life::complain(std::string text) {
  trace.note(clock.tick(), "WRONG: " + text);
  {
    std::lock_guard lock(mutex_);
    complaints_.push_back(std::move(text));
  }
  end();
}

void Life::end() {
  std::lock_guard lock(mutex_);
  if (over_.exchange(true)) return;
  daemon.kill();
  trace.note(clock.tick(), "SIGKILL");
  changed_.notify_all();
}

bool Life::wait(int64_t microseconds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::microseconds(microseconds), [&] { return over_.load(); });
}

void Life::thread_is_done() {
  std::lock_guard lock(mutex_);
  ++done_;
  changed_.notify_all();
}

bool Life::wait_for_threads(int64_t microseconds, int threads) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::microseconds(microseconds),
                           [&] { return over_ || done_ == threads; });
}

std::vector<std::string> Life::complaints() const {
  std::lock_guard lock(mutex_);
  return complaints_;
}

}  // namespace butterfuse::seams
