// SPDX-License-Identifier: GPL-2.0-or-later
// OrderedQueue: whoever finishes the work at the head runs ordered parts until the head is unfinished again.
//
//     items    1 worked, ordered running │ 2 worked │ 3 at work │ 4 worked │ 5 waiting
//              thread A goes on with 2, then stops at 3; whoever finishes 3 runs 3 and 4
//
// No thread waits for its turn: one that did would be missing for the work that is to come first.
#include "compress/ordered_queue.h"

#include <deque>

#include "core/base/assert.h"
#include "core/base/mutex.h"

namespace butterfuse {
namespace {

struct Item {
  std::function<void()> work;
  std::function<void()> ordered;
  bool worked = false;  // under the queue's mutex
};

}  // namespace

// Shared with every task: a task may still be leaving its last function when the queue's owner
// sees depth() == 0.
struct OrderedQueue::State {
  mutable Mutex mutex;
  std::deque<std::unique_ptr<Item>> items BF_GUARDED_BY(mutex);  // an item leaves after its ordered part
  bool draining BF_GUARDED_BY(mutex) = false;  // one thread has the right to run ordered parts

  Item* push(std::function<void()> work, std::function<void()> ordered) {
    auto item = std::make_unique<Item>(Item{std::move(work), std::move(ordered)});
    const MutexLock lock(mutex);
    items.push_back(std::move(item));
    return items.back().get();
  }

  // The item whose ordered part the caller must run now, with the right to; null: somebody else will.
  Item* finish_work(Item* item) {
    const MutexLock lock(mutex);
    item->worked = true;
    if (draining || !items.front()->worked) return nullptr;
    draining = true;
    return items.front().get();
  }

  // Drops the head, whose ordered part ran. The next item to run, or null and the right is given back.
  Item* finish_ordered() {
    const MutexLock lock(mutex);
    items.pop_front();
    if (!items.empty() && items.front()->worked) return items.front().get();
    draining = false;
    return nullptr;
  }

  // A part that throws ends the process: the order of all that follow would be lost.
  void run(Item* item) noexcept {
    item->work();
    item->work = nullptr;
    for (Item* head = finish_work(item); head != nullptr; head = finish_ordered()) {
      head->ordered();
      head->ordered = nullptr;  // what it captured is gone before depth() says so
    }
  }
};

OrderedQueue::OrderedQueue(Executor& executor, Lane lane)
    : executor_(executor), lane_(lane), state_(std::make_shared<State>()) {}

OrderedQueue::~OrderedQueue() { BF_ASSERT(depth() == 0, "{} items left in an ordered queue", depth()); }

void OrderedQueue::add(std::function<void()> work, std::function<void()> ordered) {
  Item* item = state_->push(std::move(work), std::move(ordered));
  executor_.submit([state = state_, item] { state->run(item); }, lane_);
}

size_t OrderedQueue::depth() const {
  const MutexLock lock(state_->mutex);
  return state_->items.size();
}

}  // namespace butterfuse
