// Sandbox: what the process and the threads that it starts later can't do any more. In children, for it is for good.
#include "fs/fuse/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <string>
#include <thread>

using namespace butterfuse;

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

// What the child wrote before it ended.
std::string in_a_child(std::string (*body)(pid_t parent)) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const pid_t parent = ::getpid(), child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string text = body(parent);
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t got = ::read(ends[0], text.data(), text.size());
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  ::close(ends[0]);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  return text;
}

}  // namespace

TEST_CASE("the sandbox holds for the process and for threads that it starts later") {
  const std::string seen = in_a_child([](pid_t parent) -> std::string {
    const auto entered = enter_sandbox();
    if (!entered) return entered.error().code == ENOTSUP ? "skip" : entered.error().message;
    std::string text = tried(parent), later;
    std::thread([&] { later = tried(parent); }).join();
    return text + (later.empty() ? "" : " a thread:" + later);
  });
  if (seen == "skip") {
    WARN("a build with a sanitizer has no sandbox");
    return;
  }
  CHECK(seen == "");
}

TEST_CASE("the sandbox is not entered while other threads run: they would stay outside") {
  const std::string seen = in_a_child([](pid_t) -> std::string {
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
