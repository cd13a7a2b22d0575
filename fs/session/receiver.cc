// SPDX-License-Identifier: GPL-2.0-or-later
// Receiver: asleep in read(2), or awake beside the client.
//
// Asleep, with client and server on one processor, an exchange is two switches between threads: 8 us. It
// takes 30 where the one has to wake a processor for the other, which is why this way goes together with
// AwakeProcessors and ClientProcessor.
//
// Awake, 21 to 29 us: the client's request finds the receiver looking, its answer wakes the client where it
// was. That is the way where there are too many processors to keep all of them awake.
#include "fs/session/receiver.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>

namespace butterfuse {
namespace {

using namespace std::chrono_literals;

constexpr auto kSpin = 60us;       // most clients ask again within it, and waking a thread takes as long
constexpr int kSpinCredit = 8;     // spins in a row that may be for nothing
constexpr auto kOthersRan = 20us;  // no yield takes so long with nobody else there
// No read(2) that had to wait is as short. Copying a request of 4 KiB that was there takes 1 to 2 us; longer
// ones are load as they are (request_kind.h).
constexpr auto kWasThere = 4us;

// The session is over, and there is nothing wrong with that.
bool is_the_end(int code) { return code == 0 || code == -ENODEV; }

}  // namespace

Receiver::Receiver(fuse_session* session, Waits waits)
    : session_(session), waits_(waits), can_spin_(std::thread::hardware_concurrency() > 1) {}

Status Receiver::prepare() {
  const int descriptor = fuse_session_fd(session_);
  int flags = fcntl(descriptor, F_GETFL);
  // Who waits awake looks without waiting, and waits in poll(2).
  flags = waits_ == Waits::awake ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (fcntl(descriptor, F_SETFL, flags) == 0) return {};
  return make_error(errno, "the session's descriptor: {}", std::strerror(errno));
}

Result<bool> Receiver::receive(fuse_buf& buffer, Past& past) {
  return waits_ == Waits::awake ? receive_awake(buffer, past) : receive_asleep(buffer, past);
}

// The length of a request; 0 or a negative errno. -EAGAIN: there was none, or a signal came.
int Receiver::look(fuse_buf& buffer) {
  const int got = fuse_session_receive_buf(session_, &buffer);
  if (fuse_session_exited(session_)) return 0;
  return got == -EINTR ? -EAGAIN : got;
}

Result<bool> Receiver::receive_asleep(fuse_buf& buffer, Past& past) {
  for (;;) {
    const auto since = Clock::now();
    const int got = look(buffer);
    if (got > 0) {
      past.crowded = Clock::now() - since > kWasThere ? 0 : past.crowded + 1;
      return true;
    }
    if (got == -EAGAIN) continue;
    if (is_the_end(got)) return false;
    return make_error(-got, "receiving a request: {}", std::strerror(-got));
  }
}

Result<bool> Receiver::receive_awake(fuse_buf& buffer, Past& past) {
  std::optional<Clock::time_point> since;
  for (;;) {
    const int got = look(buffer);
    if (got > 0) {
      past.crowded = since ? 0 : past.crowded + 1;
      if (since && past.spin_credit > 0 && Clock::now() - *since < kSpin)
        past.spin_credit = std::min(past.spin_credit + 1, kSpinCredit);
      return true;
    }
    if (is_the_end(got)) return false;
    if (got != -EAGAIN) return make_error(-got, "receiving a request: {}", std::strerror(-got));
    if (!since) since = Clock::now();
    await_request(past, *since);
  }
}

void Receiver::await_request(Past& past, Clock::time_point since) {
  if (spin(past, since)) return;
  pollfd descriptor{fuse_session_fd(session_), POLLIN, 0};
  poll(&descriptor, 1, -1);
  if (can_spin_ && Clock::now() - since < kSpin) past.spin_credit = kSpinCredit;
}

// A client that has its answer mostly asks again within microseconds, while putting a thread to sleep and
// waking it on another processor takes tens of them, more in a virtual machine. So one receiver stays awake
// for a moment, as long as that keeps paying off. It yields to any other thread that wants the processor; and
// one that waits for its turn again is served later than one that a request wakes, so it then goes to sleep.
bool Receiver::spin(Past& past, Clock::time_point since) {
  if (past.spin_credit == 0) return false;
  const auto now = Clock::now();
  if (now - since >= kSpin) {
    --past.spin_credit;
    return false;
  }
  if (spins_.exchange(true)) return false;
  sched_yield();
  spins_ = false;
  if (Clock::now() - now >= kOthersRan) past.spin_credit = 0;
  return true;
}

}  // namespace butterfuse
