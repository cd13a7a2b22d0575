// SPDX-License-Identifier: GPL-2.0-or-later
// btrfs_check over the btrfs program.
#include "tests/support/btrfs_check.h"

#include <cstdio>

#include "tests/support/run_command.h"

namespace {

bool is_installed() {
  static const bool installed = have_program("btrfs");
  return installed;
}

}  // namespace

bool have_btrfs_progs() {
  if (!is_installed()) std::puts("SKIP: btrfs-progs is not installed");
  return is_installed();
}

std::string btrfs_check(const std::string& image) {
  if (!is_installed()) {
    [[maybe_unused]] static const int once = std::puts("SKIP: btrfs check, as btrfs-progs is not installed");
    return {};
  }
  CommandResult result = run_command({"btrfs", "check", "--check-data-csum", image}, 600);
  const bool clean = result.ok() && result.output.find("no error found") != std::string::npos;
  return clean ? std::string() : "exit code " + std::to_string(result.exit_code) + "\n" + result.output;
}
