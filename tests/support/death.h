// SPDX-License-Identifier: GPL-2.0-or-later
// death: runs a piece of code in a child process and says whether a broken invariant ended it.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

// True when `code` ended in abort(). REQUIRES a single-threaded process.
template <class Code>
bool dies(Code code) {
  const pid_t child = fork();
  if (child == 0) {
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);
    code();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
