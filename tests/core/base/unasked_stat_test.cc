// SPDX-License-Identifier: GPL-2.0-or-later
// UnaskedStat and AnswerInTime: what can be known of a file whose file system does not answer.
#include "core/base/unasked_stat.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "core/base/answer_in_time.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::unasked_stat_test {
namespace {

void sleep_for_ever(int&) {
  for (;;) ::pause();
}

}  // namespace

TEST_CASE("a file that answers is the one of stat(2), named or open") {
  const TempDir folder;
  const std::string file = folder.path() + "/file", link = folder.path() + "/link";
  std::ofstream(file) << "content";
  std::filesystem::create_symlink("file", link);
  struct stat expected {};
  REQUIRE(::stat(file.c_str(), &expected) == 0);
  const int open = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(open >= 0);
  for (const auto& info :
       {stat_in_time(file), stat_in_time(link), stat_of_open_file("/proc/self/fd/" + std::to_string(open))}) {
    REQUIRE(info);
    CHECK(info->st_dev == expected.st_dev);
    CHECK(info->st_ino == expected.st_ino);
    CHECK(S_ISREG(info->st_mode));
  }
  ::close(open);
  CHECK_FALSE(stat_in_time(folder.path() + "/none"));
  CHECK_FALSE(stat_of_open_file("/proc/self/fd/" + std::to_string(open)));
}

TEST_CASE("a device says its number") {
  const auto info = stat_in_time("/dev/null");
  REQUIRE(info);
  CHECK(S_ISCHR(info->st_mode));
  struct stat expected {};
  REQUIRE(::stat("/dev/null", &expected) == 0);
  CHECK(info->st_rdev == expected.st_rdev);
}

TEST_CASE("a name is looked up from the root of another process") {
  const int root = ::open("/proc/self/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(root >= 0);
  struct stat expected {};
  REQUIRE(::stat("/dev/null", &expected) == 0);
  for (const RootFolder& from : {RootFolder{"/proc/self/root", root}, RootFolder{"/proc/self/root", -1}}) {
    const auto info = stat_in_time("/dev/null", from);
    REQUIRE(info);
    CHECK(info->st_rdev == expected.st_rdev);
    CHECK_FALSE(stat_in_time("/dev/none", from));
  }
  ::close(root);
}

TEST_CASE("an answer comes back whole, a question without one ends in its time, and is not asked again") {
  using Clock = std::chrono::steady_clock;
  CHECK(answer_in_time<int>("one", [](int& answer) { answer = 42; }) == 42);
  auto before = Clock::now();
  CHECK_FALSE(answer_in_time<int>("sleeper", sleep_for_ever));
  CHECK(Clock::now() - before < std::chrono::seconds(20));
  before = Clock::now();
  CHECK_FALSE(answer_in_time<int>("sleeper", [](int& answer) { answer = 1; }));
  CHECK(Clock::now() - before < std::chrono::milliseconds(500));
  CHECK(answer_in_time<int>("one", [](int& answer) { answer = 43; }) == 43);
}

TEST_CASE("who computes, or waits for a processor, has his answer waited for") {
  const auto answer = answer_in_time<int>("busy", [](int& number) {
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(1500)) continue;
    number = 7;
  });
  CHECK(answer == 7);
}

TEST_CASE("who asks keeps nothing of ours open") {
  const int open = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(open >= 0);
  const auto still = answer_in_time<int>("open", [open](int& answer) { answer = ::fcntl(open, F_GETFD); });
  CHECK(still == -1);
  CHECK(::fcntl(open, F_GETFD) >= 0);
  ::close(open);
}

}  // namespace butterfuse::unasked_stat_test
