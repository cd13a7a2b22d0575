// SPDX-License-Identifier: GPL-2.0-or-later
// Sandbox: what the process and its later threads can't do any more; tried in children, for it is for good.
#include "fs/session/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <string>
#include <thread>

#include "tests/support/catch/in_a_child.h"

namespace butterfuse::sandbox_test {
namespace {

bool has_landlock() { return syscall(SYS_landlock_create_ruleset, nullptr, 0, 1) > 0; }

bool opens(const char* path, int flags) {
  const int descriptor = ::open(path, flags | O_CLOEXEC);
  if (descriptor >= 0) ::close(descriptor);
  return descriptor >= 0;
}

// Empty when all is as it should be.
std::string tried(pid_t parent) {
  std::string wrong;
  if (has_landlock() && opens("/etc/passwd", O_RDONLY)) wrong += " a file is read by path;";
  if (has_landlock() && opens("/", O_RDONLY | O_DIRECTORY)) wrong += " a folder is read by path;";
  if (opens("/dev/null", O_WRONLY)) wrong += " a file is opened for writing;";
  if (!opens("/proc/self/status", O_RDONLY)) wrong += " /proc can't be read;";
  if (::socket(AF_INET, SOCK_STREAM, 0) >= 0) wrong += " a socket;";
  if (::kill(parent, 0) == 0) wrong += " a signal to somebody else;";
  if (::kill(::getpid(), 0) != 0) wrong += " no signal to itself;";
  if (::fork() >= 0) wrong += " a process;";
  std::ifstream status("/proc/thread-self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Cap") && line.find_first_not_of("0", line.find('\t') + 1) != line.npos)
      wrong += " " + line + ";";
  return wrong;
}

}  // namespace

TEST_CASE("the sandbox holds for the process and for threads that it starts later") {
  const std::string seen = in_a_child([parent = ::getpid()]() -> std::string {
    const auto entered = enter_sandbox();
    if (!entered) return entered.error().code == ENOTSUP ? "skip" : entered.error().message;
    std::string text = tried(parent), later;
    std::thread([&] { later = tried(parent); }).join();
    return text + (later.empty() ? "" : " a thread:" + later);
  });
  if (seen == "skip") {
    WARN("SKIP: a build with a sanitizer has no sandbox");
    return;
  }
  CHECK(seen == "");
}

TEST_CASE("the sandbox is not entered while other threads run: they would stay outside") {
  const std::string seen = in_a_child([]() -> std::string {
    std::atomic<bool> over = false;
    std::thread other([&] {
      while (!over) std::this_thread::yield();
    });
    const auto entered = enter_sandbox();
    over = true;
    other.join();
    return entered ? "entered" : std::to_string(entered.error().code);
  });
  CHECK((seen == std::to_string(EBUSY) || seen == std::to_string(ENOTSUP)));
}

}  // namespace butterfuse::sandbox_test
