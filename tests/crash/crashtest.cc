// SPDX-License-Identifier: GPL-2.0-or-later
// crashtest: power cuts and failing devices at every point of random workloads; for scripts/crashtest.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <optional>

#include "core/alloc/promise_watch.h"
#include "core/base/log.h"
#include "tests/crash/crash_run.h"
#include "tests/crash/fault_run.h"
#include "tests/crash/fill_run.h"
#include "tests/simkernel/kernel_run.h"
#include "tests/simkernel/sim_threads.h"

using namespace butterfuse;
using namespace butterfuse::crash;

namespace {

struct Arguments {
  uint64_t states = 20'000, seed = 1;
  double minutes = 0;
  std::optional<uint64_t> workload;
  bool faults = false, kernel = false, fillup = false;
  uint64_t btrfs_check_every = CrashRunOptions().external_check_every;
  std::string keep_folder;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Cuts the power at every point of random workloads, mounts what is left and compares.");
  app.add_flag("--faults", arguments.faults, "let reads, writes and flushes fail instead, one at each point");
  app.add_flag("--kernel", arguments.kernel,
               "programs on a simulated kernel in front of the FUSE operations");
  app.add_flag("--fillup", arguments.fillup,
               "a thousand operations on each of many full file systems with snapshots");
  app.add_option("--states", arguments.states, "stop after so many crash states, or points of failure");
  app.add_option("--minutes", arguments.minutes, "or after so many minutes, however many states these are");
  app.add_option("--seed", arguments.seed, "number of the first workload");
  app.add_option("--workload", arguments.workload, "only this workload");
  app.add_option("--btrfs-check-every", arguments.btrfs_check_every,
                 "let `btrfs check` of the PATH see one of so many states too; 0: none");
  app.add_option("--keep", arguments.keep_folder, "folder for the devices of a violation");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return arguments;
}

// Workload after workload until there is enough of it.
class Course {
 public:
  explicit Course(const Arguments& arguments) : arguments_(arguments) {}

  double elapsed_s() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  uint64_t first() const { return arguments_.workload.value_or(arguments_.seed); }
  bool is_over(uint64_t done) const {
    if (arguments_.workload) return false;
    return arguments_.minutes > 0 ? elapsed_s() > arguments_.minutes * 60 : done >= arguments_.states;
  }
  template <class Run>
  void run(const uint64_t& done, const uint64_t& violations, Run&& run) const {
    for (uint64_t seed = first();; ++seed) {
      run(seed);
      if (progress_)
        fmt::print(stderr, "\r\033[Kworkload {}, {} states, {} violations, {:.0f} s", seed, done, violations,
                   elapsed_s());
      if (arguments_.workload || is_over(done)) break;
    }
    if (progress_) fmt::print(stderr, "\r\033[K");
  }

 private:
  const Arguments& arguments_;
  const bool progress_ = isatty(STDERR_FILENO);
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

void report(const std::string& text) {
  fmt::print("VIOLATION in {}\n", text);
  std::fflush(stdout);
}

uint64_t cut_power(const Arguments& arguments) {
  const auto run = arguments.kernel ? simkernel::run_kernel_workload : run_crash_workload;
  const Course course(arguments);
  CrashCounts counts;
  const CrashRunOptions options{.external_check_every = arguments.btrfs_check_every,
                                .keep_folder = arguments.keep_folder,
                                .report = report,
                                .stop = [&] { return course.is_over(counts.states); }};
  course.run(counts.states, counts.violations, [&](uint64_t seed) { run(seed, options, counts); });
  fmt::print(
      "crash states: {} of {} workloads from seed {}; {} mounted twice, {} cut again while "
      "mounted, {} seen by btrfs check; {:.0f} s; violations: {}\n",
      counts.states, counts.workloads, course.first(), counts.second_mounts, counts.recoveries_cut,
      counts.external_checks, course.elapsed_s(), counts.violations);
  return counts.violations;
}

uint64_t let_fail(const Arguments& arguments) {
  const Course course(arguments);
  FaultCounts counts;
  const FaultRunOptions options{.report = report, .stop = [&] { return course.is_over(counts.points); }};
  course.run(counts.points, counts.violations,
             [&](uint64_t seed) { run_fault_workload(seed, options, counts); });
  fmt::print(
      "points of failure: {} from seed {}; {} came about, {} of them were told, {} ended the process; {:.0f} "
      "s; violations: {}\n",
      counts.points, course.first(), counts.met, counts.told, counts.ended, course.elapsed_s(),
      counts.violations);
  return counts.violations;
}

uint64_t fill_up(const Arguments& arguments) {
  const Course course(arguments);
  FillCounts counts;
  const FillRunOptions options{.keep_folder = arguments.keep_folder, .report = report};
  course.run(counts.states, counts.violations,
             [&](uint64_t seed) { run_fill_workload(seed, options, counts); });
  fmt::print(
      "fill-ups: {} from seed {}; {} operations, {} refused for lack of space; {} crash states; {:.0f} s; violations: {}\n",
      counts.runs, course.first(), counts.operations, counts.refused, counts.states, course.elapsed_s(),
      counts.violations);
  return counts.violations;
}

}  // namespace

int main(int argc, char** argv) {
  assert_promises();
  const Arguments arguments = parse(argc, argv);
  set_log_sink([](LogLevel, std::string_view) {});  // a crash makes warnings; only the verdict counts
  if (arguments.kernel && !simkernel::SimThreads::available()) {
    fmt::print("SKIP: a build with a sanitizer has pthread functions of its own\n");
    return 77;
  }
  const auto run = arguments.faults ? let_fail : arguments.fillup ? fill_up : cut_power;
  return run(arguments) == 0 ? 0 : 1;
}
