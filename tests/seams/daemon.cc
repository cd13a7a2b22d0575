// SPDX-License-Identifier: GPL-2.0-or-later
// Daemon: started in the foreground, so that its process is known.
#include "tests/seams/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace butterfuse::seams {
namespace {

using namespace std::chrono_literals;

constexpr int kStartTimeout_s = 60;
constexpr int kEndTimeout_s = 120;
constexpr auto kBusyFor = 3s;

dev_t device_of(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_dev : 0;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("by signal {}", WTERMSIG(status));
  return fmt::format("with exit status {}", WEXITSTATUS(status));
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

Daemon::~Daemon() {
  if (pid_ < 0) return;
  kill();
  (void)bury();
}

std::optional<std::string> Daemon::start(const std::string& options) {
  const std::string image = place_.image(), mountpoint = place_.mountpoint();
  std::vector<const char*> arguments{place_.binary.c_str(), "mount", "-f"};
  if (!options.empty()) arguments.insert(arguments.end(), {"-o", options.c_str()});
  arguments.insert(arguments.end(), {image.c_str(), mountpoint.c_str(), nullptr});
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, place_.log().c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  const dev_t before = device_of(mountpoint);
  killed_ = false;
  const int failed =
      posix_spawn(&pid_, arguments[0], &actions, nullptr, const_cast<char**>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    pid_ = -1;
    return fmt::format("can't run {}: {}", place_.binary, std::strerror(failed));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(kStartTimeout_s);
  while (device_of(mountpoint) == before) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      detach();
      return fmt::format("mount -o {} ended {}: {}", options, how_it_ended(status), log_tail());
    }
    if (std::chrono::steady_clock::now() > deadline)
      return fmt::format("mount -o {} takes for ever", options);
    std::this_thread::sleep_for(500us);
  }
  return std::nullopt;
}

void Daemon::kill() {
  if (pid_ <= 0) return;  // -1 would be everybody
  killed_ = true;
  ::kill(pid_, SIGKILL);
}

std::optional<std::string> Daemon::wait_for_end(int timeout_s) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) != pid_) {
    if (std::chrono::steady_clock::now() > deadline)
      return fmt::format("the daemon is still there after {} s", timeout_s);
    std::this_thread::sleep_for(200us);
  }
  pid_ = -1;
  const bool as_asked = killed_ ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : status == 0;
  if (as_asked) return std::nullopt;
  return fmt::format("the daemon ended {}: {}", how_it_ended(status), log_tail());
}

void Daemon::detach() { umount2(place_.mountpoint().c_str(), MNT_DETACH); }

std::optional<std::string> Daemon::bury() {
  auto problem = wait_for_end(kEndTimeout_s);
  detach();
  return problem;
}

std::optional<std::string> Daemon::unmount() {
  // Whoever looks at all mounts of the machine, as df does, keeps one busy for a moment.
  const auto deadline = std::chrono::steady_clock::now() + kBusyFor;
  int failed = umount2(place_.mountpoint().c_str(), 0);
  while (failed != 0 && errno == EBUSY && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
    failed = umount2(place_.mountpoint().c_str(), 0);
  }
  if (failed != 0) {
    const int error = errno;
    kill();
    (void)bury();
    return fmt::format("unmount: {}", std::strerror(error));
  }
  return wait_for_end(kEndTimeout_s);
}

std::string Daemon::stacks() const {
  std::string text;
  std::error_code ignored;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_), ignored))
    text += fmt::format("  {} {}\n", first_line(task.path() / "comm"), first_line(task.path() / "wchan"));
  return text;
}

std::string Daemon::log_tail() const {
  std::ifstream file(place_.log());
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  return text.size() > 2000 ? text.substr(text.size() - 2000) : text;
}

}  // namespace butterfuse::seams
