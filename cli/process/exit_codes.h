// ExitCodes: what the exit statuses of each program mean, by its own manual.
#pragma once

#include <string_view>

namespace butterfuse {

// One row for each subcommand. `failed` is for what can't be done, output that can't be written included.
struct ExitCodes {
  std::string_view command;
  int usage, failed, interrupted;
  bool bits;  // a status is a sum: `failed` is added to what else it says

  // What a program with this status ends with when it then failed as well.
  constexpr int with_failure(int status) const {
    if (bits) return status | failed;
    return status != 0 ? status : failed;
  }
};

constexpr ExitCodes kExitCodes[] = {
    {"check", 16, 8, 32, true},   // fsck(8)
    {"mount", 1, 32, 8, false},   // mount(8)
    {"umount", 1, 32, 8, false},  // umount(8)
    {"scrub", 2, 8, 32, true},    // as check, but 1 says that errors were corrected
    {"mkfs", 1, 1, 1, false},     //
    {"inspect", 2, 1, 1, false},  //
    {"", 2, 1, 1, false},         // no subcommand, or one that is not above
};

constexpr const ExitCodes& exit_codes_of(std::string_view command) {
  const ExitCodes* row = kExitCodes;
  while (!row->command.empty() && row->command != command) ++row;
  return *row;
}

// fsck(8): bits.
namespace fsck_status {
constexpr int kClean = 0, kCorrected = 1, kUncorrected = 4, kFailed = 8, kUsage = 16, kCancelled = 32;
}  // namespace fsck_status

}  // namespace butterfuse
