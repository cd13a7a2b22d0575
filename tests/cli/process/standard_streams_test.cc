// SPDX-License-Identifier: GPL-2.0-or-later
// StandardStreams: descriptors 0 to 2 that were closed, and text that can't be written; in children.
#include "cli/process/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/cli/process/printed.h"
#include "tests/support/catch/in_a_child.h"

namespace butterfuse::standard_streams_test {
namespace {

// Standard output becomes this file.
void print_into(const char* path) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  ::dup2(file, STDOUT_FILENO);
  ::close(file);
}

// Standard output becomes a pipe that nobody reads.
void print_into_nothing() {
  int ends[2];
  (void)!::pipe2(ends, O_CLOEXEC);
  ::dup2(ends[1], STDOUT_FILENO);
  ::close(ends[0]), ::close(ends[1]);
}

int access_mode(int descriptor) { return ::fcntl(descriptor, F_GETFL) & O_ACCMODE; }

}  // namespace

TEST_CASE("what was closed is open the wrong way round, and no file gets one of these numbers") {
  for (int closed = 0; closed < 8; ++closed) {
    INFO("closed: " << closed);
    const std::string seen = in_a_child([closed]() -> std::string {
      int before[3] = {};
      for (int number = 0; number < 3; ++number) {
        before[number] = ::fcntl(number, F_GETFL);
        if (closed & 1 << number) ::close(number);
      }
      StandardStreams::secure();
      const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      std::string wrong = file < 3 ? "a file is " + std::to_string(file) + "; " : "";
      char byte = 0;
      if ((closed & 1) && (access_mode(0) != O_WRONLY || ::read(0, &byte, 1) >= 0)) wrong += "0 reads; ";
      for (const int number : {1, 2})
        if ((closed & 1 << number) && (access_mode(number) != O_RDONLY || ::write(number, "x", 1) >= 0))
          wrong += std::to_string(number) + " writes; ";
      for (int number = 0; number < 3; ++number)
        if (!(closed & 1 << number) && ::fcntl(number, F_GETFL) != before[number])
          wrong += std::to_string(number) + " changed; ";
      return wrong;
    });
    CHECK(seen == "");
  }
}

TEST_CASE("what can't be written is remembered with the first error, and told once at the end") {
  const std::string seen = in_a_child([]() -> std::string {
    print_into("/dev/full");
    print("{}", "text");
    if (StandardStreams::has_failed()) return "failed before it was tried";
    if (const int code = StandardStreams::write_error(); code != ENOSPC) return std::to_string(code);
    if (!StandardStreams::has_failed()) return "not remembered";
    print_into("/dev/null");
    print("{}", "text");
    if (StandardStreams::write_error() != ENOSPC) return "forgotten";
    CapturedOutput captured;
    const bool told = StandardStreams::complain_of_write_error("butterfuse test");
    const std::string text = captured.end();
    return told ? text : "not told";
  });
  CHECK(seen == "butterfuse test: standard output: No space left on device\n");
}

TEST_CASE("long text fails at once, without waiting for the end") {
  const std::string seen = in_a_child([]() -> std::string {
    print_into("/dev/full");
    for (int i = 0; i < 100; ++i) StandardStreams::write(std::string(10'000, 'x'));
    return StandardStreams::has_failed() ? "failed" : "not yet";
  });
  CHECK(seen == "failed");
}

TEST_CASE("where all was written nobody complains") {
  const std::string seen = in_a_child([]() -> std::string {
    print_into("/dev/null");
    print("{}", "text");
    return StandardStreams::complain_of_write_error("test") || StandardStreams::has_failed() ? "told" : "";
  });
  CHECK(seen == "");
}

TEST_CASE("a closed standard output is an error of what is printed") {
  const std::string seen = in_a_child([]() -> std::string {
    ::close(STDOUT_FILENO);
    StandardStreams::secure();
    print("{}", "text");
    return std::to_string(StandardStreams::write_error());
  });
  CHECK(seen == std::to_string(EBADF));
}

TEST_CASE("a reader that went away ends no program that outlives it") {
  const std::string seen = in_a_child([]() -> std::string {
    StandardStreams::outlive_readers();
    print_into_nothing();
    print("{}", "text");
    return std::to_string(StandardStreams::write_error());
  });
  CHECK(seen == std::to_string(EPIPE));
}

TEST_CASE("a complaint is one line, and does nothing to a terminal") {
  CHECK(printed([] { complain("{}: no such file", "a\x1b[2J\nb\xff"); }) ==
        "a\\x1b[2J\\x0ab\\xff: no such file\n");
  CHECK(printed([] { StandardStreams::write_complaint("ended\n\n"); }) == "ended\n");
  CHECK(printed([] { StandardStreams::write_raw_complaint("\r\x1b[K"); }) == "\r\x1b[K");
}

TEST_CASE("what is printed before a complaint is read before it") {
  CHECK(printed([] {
          print("one\n");
          complain("two");
          print("{}\n", "three");
        }) == "one\ntwo\nthree\n");
}

}  // namespace butterfuse::standard_streams_test
