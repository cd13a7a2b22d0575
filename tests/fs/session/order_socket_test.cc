// SPDX-License-Identifier: GPL-2.0-or-later
// OrderSocket: messages stay whole, and descriptors go along.
#include "fs/session/order_socket.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <thread>

#include "tests/support/catch/in_a_child.h"

namespace butterfuse::order_socket_test {
namespace {

std::pair<OrderSocket, OrderSocket> must_make() {
  auto made = OrderSocket::make();
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace

TEST_CASE("messages carry descriptors, and end with the other side") {
  auto [one, other] = must_make();
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(one.send({"with", null}));
  REQUIRE(one.send({std::string(60'000, 'x')}));
  auto first = other.receive();
  REQUIRE(first);
  CHECK(first->text == "with");
  CHECK(first->descriptor > null);
  CHECK((::fcntl(first->descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  auto second = other.receive();
  REQUIRE(second);
  CHECK(second->text.size() == 60'000);
  CHECK(second->descriptor == -1);
  { const OrderSocket closed = std::move(one); }
  CHECK(!other.receive());
  CHECK(!other.send({"to nobody"}));
  ::close(first->descriptor);
  ::close(null);
}

TEST_CASE("messages keep their bounds, and their bytes") {
  auto [one, other] = must_make();
  const std::string with_zero("a\0b", 3), longest(64 << 10, 'l');
  REQUIRE(one.send({"first"}));
  REQUIRE(one.send({with_zero}));
  REQUIRE(one.send({longest}));
  CHECK(other.receive()->text == "first");
  CHECK(other.receive()->text == with_zero);
  CHECK(other.receive()->text == longest);
}

TEST_CASE("a descriptor leads to the same file, and is another one than the sender's") {
  auto [one, other] = must_make();
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(one.send({"the reading end", ends[0]}));
  const auto message = other.receive();
  REQUIRE(message);
  CHECK(message->descriptor != ends[0]);
  CHECK_FALSE(message->descriptor_lost);
  CHECK(::fcntl(ends[0], F_GETFD) >= 0);  // sending closes nothing
  ::close(ends[0]);
  CHECK(::write(ends[1], "x", 1) == 1);
  char byte = 0;
  CHECK(::read(message->descriptor, &byte, 1) == 1);
  CHECK(byte == 'x');
  ::close(message->descriptor);
  ::close(ends[1]);
}

TEST_CASE("where no number is free for a descriptor the receiver hears that there was one") {
  const std::string seen = in_a_child([]() -> std::string {
    auto made = OrderSocket::make();
    if (!made || !made->first.send({"with", STDIN_FILENO})) return "not sent";
    const int next = ::dup(STDIN_FILENO);
    ::close(next);
    const rlimit none_free{static_cast<rlim_t>(next), static_cast<rlim_t>(next)};
    ::setrlimit(RLIMIT_NOFILE, &none_free);
    const auto message = made->second.receive();
    if (!message) return "not received";
    if (message->descriptor != -1) return "a descriptor " + std::to_string(message->descriptor);
    return message->text + (message->descriptor_lost ? ", lost" : "");
  });
  CHECK(seen == "with, lost");
}

TEST_CASE("a signal in between neither ends a wait nor loses a message") {
  auto [one, other] = must_make();
  struct sigaction action {
  }, before{};
  action.sa_handler = [](int) {};  // without SA_RESTART: the call is interrupted
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
  const pthread_t receiver = ::pthread_self();
  std::thread sender([&, &one = one] {
    for (int i = 0; i < 50; ++i) ::pthread_kill(receiver, SIGUSR1);
    one.send({"still there"});
  });
  const auto message = other.receive();
  sender.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  REQUIRE(message);
  CHECK(message->text == "still there");
}

TEST_CASE("an end that was moved from closes nothing") {
  auto [one, other] = must_make();
  {
    OrderSocket moved(std::move(one));
    CHECK(one.descriptor() == -1);
    { const OrderSocket nothing(std::move(one)); }
    CHECK(moved.send({"open"}));
  }
  CHECK(other.receive()->text == "open");
  CHECK_FALSE(other.receive());
}

}  // namespace butterfuse::order_socket_test
