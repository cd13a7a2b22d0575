// SPDX-License-Identifier: GPL-2.0-or-later
// CapturedOutput: what is said meanwhile, and that the streams are as before.
#include "fs/session/captured_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

namespace butterfuse::captured_output_test {
namespace {

// What descriptors 0 to 2 are.
std::array<std::pair<dev_t, ino_t>, 3> streams() {
  std::array<std::pair<dev_t, ino_t>, 3> files;
  for (int number = 0; number < 3; ++number) {
    struct stat info {};
    ::fstat(number, &info);
    files[static_cast<size_t>(number)] = {info.st_dev, info.st_ino};
  }
  return files;
}

std::set<int> open_descriptors() {
  std::set<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int number = std::stoi(entry.path().filename());
    if (::fcntl(number, F_GETFD) >= 0) numbers.insert(number);
  }
  return numbers;
}

// The listing's own is closed by now.
std::set<int> open_now() {
  std::set<int> numbers = open_descriptors();
  std::erase_if(numbers, [](int number) { return ::fcntl(number, F_GETFD) < 0; });
  return numbers;
}

void say(int stream, const std::string& text) {
  REQUIRE(::write(stream, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE("output and error are kept in the order they were written in") {
  CapturedOutput captured;
  say(STDOUT_FILENO, "one ");
  say(STDERR_FILENO, "two ");
  say(STDOUT_FILENO, std::string(5000, 'x'));
  CHECK(captured.end() == "one two " + std::string(5000, 'x'));
}

TEST_CASE("while it lives standard input is empty, and nothing of the caller's is on 0 to 2") {
  const auto before = streams();
  CapturedOutput captured;
  const auto meanwhile = streams();
  char byte = 0;
  const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
  captured.end();
  CHECK(got == 0);
  for (size_t number = 0; number < 3; ++number) {
    struct stat null {};
    REQUIRE(::stat("/dev/null", &null) == 0);
    const bool was_null = before[number] == std::pair(null.st_dev, null.st_ino);
    if (!was_null || number != 0) CHECK(meanwhile[number] != before[number]);
  }
}

TEST_CASE("at its end the streams are what they were, and nothing else is left open") {
  const auto before = streams();
  const auto open_before = open_now();
  {
    CapturedOutput captured;
    say(STDOUT_FILENO, "kept");
    CHECK(captured.end() == "kept");
    CHECK(streams() == before);
    CHECK(captured.end() == "");
  }
  { const CapturedOutput forgotten; }
  CHECK(streams() == before);
  CHECK(open_now() == open_before);
}

TEST_CASE("programs that are started meanwhile inherit none of what it keeps") {
  const auto before = open_now();
  CapturedOutput captured;
  std::set<int> inherited;
  for (const int number : open_now())
    if (number > STDERR_FILENO && !before.contains(number) && !(::fcntl(number, F_GETFD) & FD_CLOEXEC))
      inherited.insert(number);
  captured.end();
  CHECK(inherited.empty());
}

}  // namespace butterfuse::captured_output_test
