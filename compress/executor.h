// SPDX-License-Identifier: GPL-2.0-or-later
// Executor: where work runs. A thread pool in production, a schedule chosen by the test in tests.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace butterfuse {

// What somebody waits for is not to queue behind what nobody does.
enum class Lane { background, awaited };

// Thread-safe. A task may submit others; it must not wait for another task of the same executor.
class Executor {
 public:
  using Task = std::function<void()>;
  virtual ~Executor() = default;
  virtual void submit(Task task, Lane lane = Lane::background) = 0;
  virtual size_t queue_depth() const = 0;  // submitted and not yet started
};

// Tasks of a lane begin in the order of submission, awaited ones first; but no more than four of those in a
// row where others wait, which may hold what an awaited one will need. One thread more than `threads` is for
// awaited tasks only, beside the limit, once all others were at work. Threads are joined by the destructor
// after all submitted tasks ran. Fewer threads when the system gives no more; std::system_error when it gives
// none. `allowed`, asked with the pool's mutex held before a task begins: how many threads may be at work
// now, at least one; empty: all.
std::unique_ptr<Executor> make_thread_pool(size_t threads, const char* thread_name,
                                           std::function<size_t()> allowed = {});

// Runs nothing by itself. run_one(n) runs the n-th waiting task on the calling thread; awaited ones are
// first. Tests only, but lives here because the pipeline's promises are stated against it.
class ManualExecutor final : public Executor {
 public:
  void submit(Task task, Lane lane = Lane::background) override;
  size_t queue_depth() const override;
  bool run_one(size_t index = 0);    // false when there is no such task
  size_t run_all();                  // in order, including tasks submitted meanwhile
  size_t run_random(unsigned seed);  // in an order drawn from the seed
  ManualExecutor();
  ~ManualExecutor() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace butterfuse
