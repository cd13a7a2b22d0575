// crashtest: power cuts at every point of random workloads; scripts/crashtest is its front.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>

#include "core/base/log.h"
#include "tests/crash/crash_run.h"

using namespace butterfuse;
using namespace butterfuse::crash;

namespace {

struct Arguments {
  uint64_t states = 20'000, seed = 1;
  double minutes = 0;
  std::optional<uint64_t> workload;
  CrashRunOptions options;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Cuts the power at every point of random workloads, mounts what is left and compares.");
  app.add_option("--states", arguments.states, "stop after so many crash states");
  app.add_option("--minutes", arguments.minutes, "or after so many minutes, however many states these are");
  app.add_option("--seed", arguments.seed, "number of the first workload");
  app.add_option("--workload", arguments.workload, "only this workload");
  app.add_option("--keep", arguments.options.keep_folder, "folder for the devices of a violation");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments = parse(argc, argv);
  set_log_sink([](LogLevel, std::string_view) {});  // a crash makes warnings; only the verdict counts
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed_s = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  CrashCounts counts;
  arguments.options.report = [](const std::string& text) { fmt::print("VIOLATION in {}\n", text); };
  arguments.options.stop = [&] {
    if (arguments.workload) return false;
    return arguments.minutes > 0 ? elapsed_s() > arguments.minutes * 60 : counts.states >= arguments.states;
  };
  const bool progress = isatty(STDERR_FILENO);
  for (uint64_t seed = arguments.workload.value_or(arguments.seed);; ++seed) {
    run_crash_workload(seed, arguments.options, counts);
    if (progress)
      fmt::print(stderr, "\r\033[Kworkload {}, {} states, {} violations, {:.0f} s", seed, counts.states,
                 counts.violations, elapsed_s());
    if (arguments.workload || arguments.options.stop()) break;
  }
  if (progress) fmt::print(stderr, "\r\033[K");
  fmt::print(
      "crash states: {} of {} workloads from seed {}; {} mounted twice, {} seen by btrfs check; {:.0f} s; "
      "violations: {}\n",
      counts.states, counts.workloads, arguments.workload.value_or(arguments.seed), counts.second_mounts,
      counts.external_checks, elapsed_s(), counts.violations);
  return counts.violations == 0 ? 0 : 1;
}
