// SPDX-License-Identifier: GPL-2.0-or-later
// ExtentState: delalloc bits with their extents, and range locks as values.
#include "core/extent/extent_state.h"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/death.h"

namespace butterfuse::extent_state_test {

TEST_CASE("delalloc counts the extents it may become, cut at aligned units") {
  ExtentState state(128 << 10);
  CHECK(state.set_delalloc({100 << 10, 132 << 10}).extents_after == 2);
  CHECK(state.set_delalloc({132 << 10, 256 << 10}).bytes == 124 << 10);
  CHECK(state.outstanding_extents() == 2);
  const auto change = state.clear_delalloc({128 << 10, 256 << 10});
  CHECK(change.bytes == 128 << 10);
  CHECK(change.extents_after == 1);
  CHECK(state.delalloc_around(120 << 10) == ByteRange{100 << 10, 128 << 10});
  CHECK(state.is_delalloc({100 << 10, 128 << 10}));
  CHECK_FALSE(state.is_delalloc({100 << 10, 129 << 10}));
  state.clear_delalloc({0, 1 << 20});
}

TEST_CASE("a range lock excludes what overlaps and can be taken apart") {
  ExtentState state(4096);
  ExtentRangeLock lock = state.lock({0, 100});
  CHECK_FALSE(state.try_lock({99, 120}));
  CHECK(state.try_lock({100, 120}));
  ExtentRangeLock front = lock.take_front(40);
  CHECK(state.locked_ranges() == 2);
  front.unlock();
  CHECK(state.try_lock({0, 40}));
  CHECK_FALSE(state.try_lock({39, 41}));
  const ExtentRangeLock all = lock.take_front(100);
  CHECK_FALSE(lock);
  CHECK(state.locked_ranges() == 1);
}

TEST_CASE("waiting for held ranges does not wait for newer locks") {
  ExtentRangeLock old_lock, new_lock;
  int stalls = 0;
  ExtentState* state_address = nullptr;
  ExtentState state(4096, [&] {
    ++stalls;
    old_lock.unlock();
    new_lock = state_address->lock({0, 50});
  });
  state_address = &state;
  old_lock = state.lock({0, 100});
  state.wait_held({0, 200});
  CHECK(stalls == 1);
  CHECK(new_lock);
  new_lock.unlock();
}

TEST_CASE("a waiting thread gets the range when its holder lets go") {
  ExtentState state(4096);
  ExtentRangeLock held = state.lock({0, 10});
  std::thread waiter([&] { const ExtentRangeLock mine = state.lock({5, 6}); });
  held.unlock();
  waiter.join();
  CHECK(state.locked_ranges() == 0);
}

TEST_CASE("an extent state that ends with something left ends the process") {
  CHECK(dies([] { ExtentState(4096).set_delalloc({0, 10}); }));
}

}  // namespace butterfuse::extent_state_test
