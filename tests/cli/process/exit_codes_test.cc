// SPDX-License-Identifier: GPL-2.0-or-later
// ExitCodes: the statuses of each program, as its manual has them.
#include "cli/process/exit_codes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace butterfuse::exit_codes_test {

TEST_CASE("each program fails, is misused and is interrupted as its manual says") {
  struct Manual {
    const char* command;
    int usage, failed, interrupted;
  };
  for (const Manual& manual :
       {Manual{"check", 16, 8, 32}, Manual{"mount", 1, 32, 8}, Manual{"umount", 1, 32, 8},
        Manual{"scrub", 2, 8, 32}, Manual{"mkfs", 1, 1, 1}, Manual{"inspect", 2, 1, 1}}) {
    INFO(manual.command);
    const ExitCodes& codes = exit_codes_of(manual.command);
    CHECK(codes.command == manual.command);
    CHECK(codes.usage == manual.usage);
    CHECK(codes.failed == manual.failed);
    CHECK(codes.interrupted == manual.interrupted);
  }
}

TEST_CASE("what is no command of its own has the last row") {
  for (const char* command : {"", "nonsense", "chec", "checks", "mount.butterfuse"})
    CHECK(exit_codes_of(command).command.empty());
  CHECK(exit_codes_of("nonsense").usage == 2);
  CHECK(exit_codes_of("nonsense").failed == 1);
}

TEST_CASE("no command has two rows, and only the last one is nobody's") {
  std::set<std::string_view> seen;
  for (const ExitCodes& row : kExitCodes) CHECK(seen.insert(row.command).second);
  CHECK(std::end(kExitCodes)[-1].command.empty());
}

TEST_CASE("a failure at the end is added to what a status says, and never replaces it") {
  const ExitCodes &check = exit_codes_of("check"), &mount = exit_codes_of("mount");
  CHECK(check.with_failure(fsck_status::kClean) == fsck_status::kFailed);
  CHECK(check.with_failure(fsck_status::kUncorrected) == (fsck_status::kUncorrected | fsck_status::kFailed));
  CHECK(check.with_failure(fsck_status::kFailed) == fsck_status::kFailed);
  CHECK(mount.with_failure(0) == 32);
  CHECK(mount.with_failure(1) == 1);  // 33 would be another status
  CHECK(mount.with_failure(8) == 8);
}

TEST_CASE("each status that a row names has a meaning, and none has two") {
  for (const ExitCodes& codes : kExitCodes) {
    INFO(codes.command);
    for (const int code : {0, codes.usage, codes.failed, codes.interrupted})
      CHECK(std::ranges::count(codes.statuses, code, &ExitStatus::code) == 1);
    for (const ExitStatus& status : codes.statuses)
      CHECK(std::ranges::count(codes.statuses, status.code, &ExitStatus::code) == 1);
  }
}

TEST_CASE("the line for people has all statuses of a program") {
  CHECK(
      exit_status_line(exit_codes_of("check")) ==
      "Exit status, as fsck(8), where several add up: 0 clean, 1 repaired, 4 errors are left, 8 could not be checked "
      "or told, 16 wrong usage, 32 interrupted.");
  CHECK(exit_status_line(exit_codes_of("inspect")) == "Exit status: 0 done, 1 failed, 2 wrong usage.");
}

}  // namespace butterfuse::exit_codes_test
