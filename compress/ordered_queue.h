// SPDX-License-Identifier: GPL-2.0-or-later
// OrderedQueue: work in parallel, results in the order of submission. The btrfs async work queue's promise.
#pragma once

#include <functional>
#include <memory>

#include "compress/executor.h"

namespace butterfuse {

// Each item has a parallel part (`work`, any order, on the executor) and an ordered part (`ordered`,
// strictly in the order of add(), one at a time, on whichever thread finished the work that makes it
// next). Ordered parts never run on the thread inside add(). Lives until drained; the destructor
// BF_ASSERTs that it is empty.
class OrderedQueue {
 public:
  explicit OrderedQueue(Executor& executor, Lane lane = Lane::background);
  ~OrderedQueue();
  void add(std::function<void()> work, std::function<void()> ordered);
  size_t depth() const;  // added and not yet through the ordered part

 private:
  struct State;
  Executor& executor_;
  const Lane lane_;
  std::shared_ptr<State> state_;
};

}  // namespace butterfuse
