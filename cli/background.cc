// Background: fork, a pipe for the verdict, and detaching from the terminal.
#include "cli/background.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace butterfuse {
namespace {

constexpr char kLive = '\0';  // the verdict of a process that works; anything else is a line to print

[[noreturn]] void wait_for_verdict(int pipe) {
  std::string verdict;
  char buffer[512];
  for (ssize_t got; (got = read(pipe, buffer, sizeof buffer)) != 0;) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    verdict.append(buffer, static_cast<size_t>(got));
  }
  if (verdict == std::string(1, kLive)) _exit(0);
  if (verdict.empty()) verdict = "butterfuse: the mounting process died";
  fmt::print(stderr, "{}\n", verdict);
  fflush(stderr);
  _exit(1);
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    text.remove_prefix(static_cast<size_t>(put));
  }
}

void detach_from_terminal() {
  if (chdir("/") != 0) return;
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  close(null);
}

}  // namespace

Result<Background> Background::start() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return make_error(errno, "pipe: {}", std::strerror(errno));
  const pid_t child = fork();
  if (child < 0) return make_error(errno, "fork: {}", std::strerror(errno));
  if (child > 0) {
    close(ends[1]);
    wait_for_verdict(ends[0]);
  }
  close(ends[0]);
  setsid();
  return Background(ends[1]);
}

Background::~Background() {
  if (pipe_ >= 0) close(pipe_);
}

void Background::report_live() {
  if (pipe_ < 0) return;
  detach_from_terminal();
  write_all(pipe_, std::string_view(&kLive, 1));
  close(std::exchange(pipe_, -1));
}

void Background::fail(std::string_view line) {
  if (pipe_ < 0) return;
  write_all(pipe_, line);
  close(std::exchange(pipe_, -1));
}

}  // namespace butterfuse
