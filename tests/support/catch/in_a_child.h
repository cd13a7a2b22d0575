// SPDX-License-Identifier: GPL-2.0-or-later
// in_a_child: what a piece of code finds where it may spoil its process, by a sandbox, signals or mounts.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

// The text that `body` returns in a child process, which must end by itself. REQUIRES a single-threaded
// process, and no assertions of Catch in `body`.
template <class Body>
std::string in_a_child(Body body) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string text = body();
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  char part[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], part, sizeof part)) > 0;)
    text.append(part, static_cast<size_t>(got));
  ::close(ends[0]);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  INFO("the child said: " << text);
  REQUIRE(status == 0);
  return text;
}
