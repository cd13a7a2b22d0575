// SPDX-License-Identifier: GPL-2.0-or-later
// AnswerInTime: fork(2), and a pipe that is waited for.
#include "core/base/answer_in_time.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>

#include "core/base/mutex.h"
#include "core/base/processes.h"

namespace butterfuse {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAnswerMs = 1000;                          // who is at work answers at once
constexpr int kLookMs = 100;                             // behind that, while the child lacks a processor
constexpr auto kBusyMost = std::chrono::seconds(10);     // but no longer than that
constexpr auto kBelievedFor = std::chrono::seconds(30);  // that somebody does not answer

// Those that did not answer, and until when that is believed.
class Silent {
 public:
  bool has(const std::string& whom) {
    MutexLock lock(mutex_);
    std::erase_if(until_, [now = Clock::now()](const auto& one) { return one.second < now; });
    return until_.contains(whom);
  }
  void add(const std::string& whom) {
    MutexLock lock(mutex_);
    until_[whom] = Clock::now() + kBelievedFor;
  }

 private:
  Mutex mutex_;
  std::map<std::string, Clock::time_point> until_ BF_GUARDED_BY(mutex_);
};

Silent& silent() {
  static Silent all;
  return all;
}

// One that gave its answer ends by itself; one that hangs becomes init's when this process ends.
void end_child(pid_t child, bool answered) {
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, answered ? 0 : WNOHANG) < 0 && errno == EINTR) {
  }
}

// What stays open in a child that hangs would stay locked, and its reader would wait for the end.
void close_all_but(int kept) {
  constexpr int kUsual = 1024;  // before Linux 5.9
  const auto upper = static_cast<unsigned>(kept) + 1;
  if (::syscall(SYS_close_range, 0u, static_cast<unsigned>(kept) - 1, 0u) == 0 &&
      ::syscall(SYS_close_range, upper, ~0u, 0u) == 0)
    return;
  for (int file = 0; file < kUsual; ++file)
    if (file != kept) ::close(file);
}

bool is_readable_in_time(int pipe, pid_t child) {
  pollfd told{pipe, POLLIN, 0};
  const auto begin = Clock::now();
  for (int wait_ms = kAnswerMs;; wait_ms = kLookMs) {
    const int ready = ::poll(&told, 1, wait_ms);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    const auto waited = Clock::now() - begin;
    if (waited < std::chrono::milliseconds(kAnswerMs)) continue;
    if (waited > kBusyMost || !is_runnable(child)) return false;
  }
}

}  // namespace

// At most PIPE_BUF bytes arrive whole.
Asked ask_in_time(const std::string& whom, std::span<std::byte> answer,
                  const std::function<void()>& question) {
  if (silent().has(whom)) return Asked::too_late;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Asked::no_child;
  const pid_t child = ::fork();
  if (child == 0) {
    close_all_but(ends[1]);
    question();
    _exit(::write(ends[1], answer.data(), answer.size()) < 0);
  }
  ::close(ends[1]);
  const bool answered = child > 0 && is_readable_in_time(ends[0], child) &&
                        ::read(ends[0], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
  ::close(ends[0]);
  if (child < 0) return Asked::no_child;
  end_child(child, answered);
  if (!answered) silent().add(whom);
  return answered ? Asked::answered : Asked::too_late;
}

}  // namespace butterfuse
