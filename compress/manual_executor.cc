// SPDX-License-Identifier: GPL-2.0-or-later
// ManualExecutor: tasks wait until a test says which one runs.
#include <deque>
#include <random>

#include "compress/executor.h"
#include "core/base/mutex.h"

namespace butterfuse {

struct ManualExecutor::State {
  mutable Mutex mutex;
  std::deque<Task> tasks BF_GUARDED_BY(mutex);
  size_t awaited BF_GUARDED_BY(mutex) = 0;  // so many at the front

  Task take(size_t index) {  // empty: there is no such task
    const MutexLock lock(mutex);
    if (index >= tasks.size()) return {};
    const auto at = tasks.begin() + static_cast<ptrdiff_t>(index);
    Task task = std::move(*at);
    tasks.erase(at);
    if (index < awaited) --awaited;
    return task;
  }
};

ManualExecutor::ManualExecutor() : state_(std::make_unique<State>()) {}
ManualExecutor::~ManualExecutor() = default;

void ManualExecutor::submit(Task task, Lane lane) {
  const MutexLock lock(state_->mutex);
  if (lane == Lane::background) return state_->tasks.push_back(std::move(task));
  const auto behind = state_->tasks.begin() + static_cast<ptrdiff_t>(state_->awaited++);
  state_->tasks.insert(behind, std::move(task));
}

size_t ManualExecutor::queue_depth() const {
  const MutexLock lock(state_->mutex);
  return state_->tasks.size();
}

bool ManualExecutor::run_one(size_t index) {
  const Task task = state_->take(index);
  if (!task) return false;
  task();
  return true;
}

size_t ManualExecutor::run_all() {
  size_t ran = 0;
  while (run_one(0)) ++ran;
  return ran;
}

size_t ManualExecutor::run_random(unsigned seed) {
  std::mt19937 random(seed);
  size_t ran = 0;
  for (size_t depth = queue_depth(); depth != 0; depth = queue_depth())
    if (run_one(random() % depth)) ++ran;
  return ran;
}

}  // namespace butterfuse
