// SPDX-License-Identifier: GPL-2.0-or-later
// Background: fork, a pipe for the verdict, and detaching from the terminal.
//
//   parent                                   child
//   fork, reads the pipe ................... mounts
//   NUL:         exit 0    <-------------    report_live()
//   a line:      prints it <-------------    fail(), then the child ends; its status becomes the parent's
//   end of file: a line of its own <-----    it died without a word
//   SIGINT ...:  SIGTERM   ------------->    ends as if it had come from the terminal
//
// The parent always waits for the child's end where that is not live: else who called could try again while
// the source is still locked. The child keeps the terminal until it is live, for complaints on the way.
#include "cli/process/background.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "cli/process/standard_streams.h"
#include "fs/session/signal_watch.h"

namespace butterfuse {
namespace {

constexpr char kLive = '\0';  // the verdict of a process that works; anything else is a line to print

// Of the parent, which has nothing else to do.
volatile pid_t child_of_parent = 0;
volatile sig_atomic_t is_interrupted = 0;

void pass_on(int) {
  is_interrupted = 1;
  ::kill(child_of_parent, SIGTERM);
}

std::string read_all(int pipe) {
  std::string text;
  char buffer[512];
  for (ssize_t got; (got = read(pipe, buffer, sizeof buffer)) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

// Of a child that has ended, or is about to.
int exit_status_of(pid_t child, const ExitCodes& codes, std::string& verdict) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return codes.failed;
  const std::string how =
      WIFSIGNALED(status) ? fmt::format("died of signal {}", WTERMSIG(status)) : "ended without a word";
  if (verdict.empty()) verdict = fmt::format("butterfuse: the mounting process {}", how);
  return WIFEXITED(status) ? WEXITSTATUS(status) : codes.failed;
}

[[noreturn]] void wait_for_verdict(pid_t child, int pipe, const sigset_t& mask, const ExitCodes& codes) {
  child_of_parent = child;
  struct sigaction action {
  }, before{};
  action.sa_handler = pass_on;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    sigaction(number, &action, nullptr);
  }
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  std::string verdict = read_all(pipe);
  const bool is_live = verdict == std::string(1, kLive);
  if (is_live && !is_interrupted) _exit(0);
  if (is_live) verdict = "butterfuse: interrupted, unmounting again";
  int status = exit_status_of(child, codes, verdict);
  if (is_interrupted) status = codes.interrupted;
  complain("{}", verdict);
  _exit(status != 0 ? status : codes.failed);
}

// False when nobody reads it.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

}  // namespace

// The signals are blocked over the fork: one that comes in between meets the parent when it can pass it on.
Result<Background> Background::start(const ExitCodes& codes) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return make_error(errno, "pipe: {}", std::strerror(errno));
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  block_ending_signals();
  const pid_t child = fork();
  if (child < 0) {
    const int code = errno;
    close(ends[0]), close(ends[1]);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    return make_error(code, "fork: {}", std::strerror(code));
  }
  if (child > 0) {
    close(ends[1]);
    wait_for_verdict(child, ends[0], mask, codes);
  }
  close(ends[0]);
  setsid();
  return Background(ends[1]);
}

Background::~Background() {
  if (pipe_ >= 0) close(pipe_);
  if (null_ >= 0) close(null_);
}

void Background::prepare() {
  (void)!chdir("/");
  null_ = open("/dev/null", O_RDWR | O_CLOEXEC);
}

bool Background::report_live() {
  if (pipe_ < 0) return true;
  if (null_ >= 0)
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null_, standard);
  const bool is_told = write_all(pipe_, std::string_view(&kLive, 1));
  close(std::exchange(pipe_, -1));
  return is_told;
}

bool Background::is_abandoned() const {
  // A pipe without a reader is an error of the end that writes.
  pollfd end{pipe_, 0, 0};
  return pipe_ >= 0 && poll(&end, 1, 0) == 1 && (end.revents & POLLERR);
}

void Background::fail(std::string_view line) {
  if (pipe_ < 0) return;
  (void)write_all(pipe_, line);
  close(std::exchange(pipe_, -1));
}

}  // namespace butterfuse
