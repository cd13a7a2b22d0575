// SPDX-License-Identifier: GPL-2.0-or-later
// Time slice: what the scheduler was asked for, seen in the thread's attributes.
#include "fs/session/time_slice.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdio>
#include <thread>

namespace butterfuse::time_slice_test {
namespace {

// As sched_setattr(2) has it.
struct Attributes {
  uint32_t size = sizeof(Attributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0, deadline = 0, period = 0;
};

Attributes own_attributes() {
  Attributes attributes;
  REQUIRE(::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0);
  return attributes;
}

// Slices can be asked for since Linux 6.12.
bool kernel_has_slices() {
  utsname name{};
  int major = 0, minor = 0;
  ::uname(&name);
  const bool has =
      std::sscanf(name.release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 12));
  if (!has) WARN("SKIP: this kernel takes no wish for a time slice");
  return has;
}

template <class Body>
void in_a_thread(Body body) {
  std::thread(body).join();
}

}  // namespace

TEST_CASE("a thread that asks for a short slice has it, and so have those that it starts; others have not") {
  if (!kernel_has_slices()) return;
  Attributes asking, started;
  in_a_thread([&] {
    shorten_time_slice();
    asking = own_attributes();
    in_a_thread([&] { started = own_attributes(); });
  });
  CHECK(asking.runtime == 100'000);
  CHECK(started.runtime == 100'000);
  CHECK(own_attributes().runtime != 100'000);
}

TEST_CASE("asking for a short slice changes neither policy nor priority") {
  Attributes before, after;
  in_a_thread([&] {
    before = own_attributes();
    shorten_time_slice();
    after = own_attributes();
  });
  CHECK(after.policy == before.policy);
  CHECK(after.nice == before.nice);
  CHECK(after.priority == before.priority);
}

TEST_CASE("a thread of another policy is left as it is") {
  Attributes before, after;
  in_a_thread([&] {
    const sched_param none{};
    REQUIRE(::sched_setscheduler(0, SCHED_BATCH, &none) == 0);
    before = own_attributes();
    shorten_time_slice();
    after = own_attributes();
  });
  CHECK(after.policy == SCHED_BATCH);
  CHECK(after.runtime == before.runtime);
}

}  // namespace butterfuse::time_slice_test
