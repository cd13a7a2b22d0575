// SPDX-License-Identifier: GPL-2.0-or-later
// ExitCodes: what the exit statuses of each program mean, by its own manual.
//
// Scripts and service managers act on these numbers, so each program has those of the manual that its callers
// read. fsck's are bits of a sum: it says both that something was repaired and that something went wrong. Of
// the others a status means one thing, and what came first is told. Help and manual pages have these rows.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace butterfuse {

struct ExitStatus {
  int code;
  std::string_view meaning;
};

// One row for each subcommand. `failed` is for what can't be done, output that can't be written included.
struct ExitCodes {
  std::string_view command;
  int usage, failed, interrupted;
  bool bits;               // a status is a sum: `failed` is added to what else it says
  std::string_view model;  // whose statuses these are, as people know them: "fsck(8)"; or ""
  std::span<const ExitStatus> statuses;

  // What a program with this status ends with when it then failed as well.
  constexpr int with_failure(int status) const {
    if (bits) return status | failed;
    return status != 0 ? status : failed;
  }
};

// fsck(8): bits.
namespace fsck_status {
constexpr int kClean = 0, kCorrected = 1, kUncorrected = 4, kFailed = 8, kUsage = 16, kCancelled = 32;
}  // namespace fsck_status

// mount(8), umount(8).
namespace mount_status {
constexpr int kDone = 0, kUsage = 1, kInterrupted = 8, kFailed = 32, kNotAll = 64;
}  // namespace mount_status

// All others: btrfs(8) has it so.
namespace plain_status {
constexpr int kDone = 0, kFailed = 1, kUsage = 2;
}  // namespace plain_status

constexpr ExitStatus kCheckStatuses[] = {{fsck_status::kClean, "clean"},
                                         {fsck_status::kCorrected, "repaired"},
                                         {fsck_status::kUncorrected, "errors are left"},
                                         {fsck_status::kFailed, "could not be checked or told"},
                                         {fsck_status::kUsage, "wrong usage"},
                                         {fsck_status::kCancelled, "interrupted"}};
constexpr ExitStatus kScrubStatuses[] = {
    {fsck_status::kClean, "clean"},
    {fsck_status::kCorrected, "all errors corrected"},
    {plain_status::kUsage, "wrong usage"},
    {fsck_status::kUncorrected, "errors are left or a device is missing"},
    {fsck_status::kFailed, "could not be scrubbed or told"},
    {fsck_status::kCancelled, "interrupted"}};
constexpr ExitStatus kMountStatuses[] = {{mount_status::kDone, "the mount is live"},
                                         {mount_status::kUsage, "wrong usage"},
                                         {mount_status::kInterrupted, "interrupted"},
                                         {mount_status::kFailed, "failed"}};
constexpr ExitStatus kUmountStatuses[] = {
    {mount_status::kDone, "the daemon has ended and all is written"},
    {mount_status::kUsage, "wrong usage"},
    {mount_status::kInterrupted, "interrupted"},
    {mount_status::kFailed, "not unmounted or not all written"},
    {mount_status::kNotAll, "unmounted, but still mounted elsewhere; of several, not all"}};
constexpr ExitStatus kMkfsStatuses[] = {{plain_status::kDone, "made"},
                                        {plain_status::kFailed, "not made, wrong usage included"}};
constexpr ExitStatus kPlainStatuses[] = {
    {plain_status::kDone, "done"}, {plain_status::kFailed, "failed"}, {plain_status::kUsage, "wrong usage"}};

constexpr ExitCodes kExitCodes[] = {
    {"check", fsck_status::kUsage, fsck_status::kFailed, fsck_status::kCancelled, true, "fsck(8)",
     kCheckStatuses},
    {"mount", mount_status::kUsage, mount_status::kFailed, mount_status::kInterrupted, false, "mount(8)",
     kMountStatuses},
    {"umount", mount_status::kUsage, mount_status::kFailed, mount_status::kInterrupted, false, "umount(8)",
     kUmountStatuses},
    {"scrub", plain_status::kUsage, fsck_status::kFailed, fsck_status::kCancelled, true, "", kScrubStatuses},
    {"mkfs", plain_status::kFailed, plain_status::kFailed, plain_status::kFailed, false, "mkfs(8)",
     kMkfsStatuses},
    {"inspect", plain_status::kUsage, plain_status::kFailed, plain_status::kFailed, false, "",
     kPlainStatuses},
    // No subcommand, or one that is not above.
    {"", plain_status::kUsage, plain_status::kFailed, plain_status::kFailed, false, "", kPlainStatuses},
};

constexpr const ExitCodes& exit_codes_of(std::string_view command) {
  const ExitCodes* row = kExitCodes;
  while (!row->command.empty() && row->command != command) ++row;
  return *row;
}

// All in one line: "Exit status, as fsck(8), where several add up: 0 clean, 1 repaired, ...".
std::string exit_status_line(const ExitCodes& codes);

}  // namespace butterfuse
