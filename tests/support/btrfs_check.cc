// btrfs_check over the btrfs program.
#include "tests/support/btrfs_check.h"

#include <cstdio>

#include "tests/support/run_command.h"

bool have_btrfs_progs() {
  static const bool have = have_program("btrfs");
  return have;
}

std::string btrfs_check(const std::string& image) {
  if (!have_btrfs_progs()) {
    [[maybe_unused]] static const int once = std::puts("SKIP: btrfs check, as btrfs-progs is not installed");
    return {};
  }
  CommandResult result = run_command({"btrfs", "check", "--check-data-csum", image}, 600);
  const bool clean = result.ok() && result.output.find("no error found") != std::string::npos;
  return clean ? std::string() : "exit code " + std::to_string(result.exit_code) + "\n" + result.output;
}
