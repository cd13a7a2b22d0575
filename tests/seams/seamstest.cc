// SPDX-License-Identifier: GPL-2.0-or-later
// seamstest: model stress through a real mount whose daemon is killed; scripts/seamstest is its front.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>

#include "tests/seams/course.h"
#include "tests/seams/mapping.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_dir.h"

using namespace butterfuse::seams;

namespace {

struct Arguments {
  uint64_t kills = 100, seed = 1, most_violations = 1;
  double minutes = 0;
  std::optional<uint64_t> course;
  CourseOptions options;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(
      "Works on mounts with many threads, kills the daemon, mounts again and compares with what was "
      "promised.");
  app.add_option("--binary", arguments.options.binary, "the butterfuse program")->required();
  app.add_option("--kills", arguments.kills, "stop after so many kills");
  app.add_option("--minutes", arguments.minutes, "or after so many minutes, however many kills these are");
  app.add_option("--seed", arguments.seed, "number of the first course");
  app.add_option("--course", arguments.course, "only this course");
  app.add_option("--lives", arguments.options.lives, "kills of one image");
  app.add_option("--style", arguments.options.only_style, "mixed, solo, appends, copies, names or ranges");
  app.add_option("--without", arguments.options.without, "leave these calls out, as in: --without seek,aio")
      ->delimiter(',');
  app.add_flag("--never-full", arguments.options.never_full, "leave out images with next to no space left");
  app.add_option("--violations", arguments.most_violations, "stop after so many violations; 0: never");
  app.add_option("--btrfs-check-percent", arguments.options.btrfs_check_percent,
                 "let `btrfs check` see so many images");
  app.add_option("--keep", arguments.options.keep_folder,
                 "folder for the image and the trace of a violation");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return arguments;
}

std::atomic<bool> interrupted = false;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments = parse(argc, argv);
  if (!running_as_root() || access("/dev/fuse", R_OK | W_OK) != 0) {
    fmt::print("SKIP: mounting, and killing what serves the mount, needs root and /dev/fuse\n");
    return 77;
  }
  const auto begin = std::chrono::steady_clock::now();
  const TempDir folder;
  Mapping::catch_bus_errors();
  for (const int number : {SIGINT, SIGTERM}) signal(number, [](int) { interrupted = true; });
  CourseCounts counts;
  CourseOptions& options = arguments.options;
  options.binary = std::filesystem::absolute(options.binary);
  options.folder = folder.path();
  options.report = [](const std::string& text) {
    fmt::print("VIOLATION in {}\n", text);
    std::fflush(stdout);
  };
  options.stop = [&] {
    if (interrupted) return true;
    if (arguments.course) return false;
    return arguments.minutes > 0 ? seconds_since(begin) > arguments.minutes * 60
                                 : counts.kills >= arguments.kills;
  };
  uint64_t seed = arguments.course.value_or(arguments.seed);
  const bool progress = isatty(STDERR_FILENO);
  for (;; ++seed) {
    Course(seed, options, counts).run();
    if (progress)
      fmt::print(stderr, "\r\033[Kcourse {}, {} kills, {} violations, {:.0f} s", seed, counts.kills,
                 counts.violations, seconds_since(begin));
    const bool enough = arguments.most_violations != 0 && counts.violations >= arguments.most_violations;
    if (arguments.course || options.stop() || enough) break;
  }
  fmt::print(
      "{}kills: {} in {} courses from seed {}, {} clean unmounts; {} checks, {} by btrfs check; {:.0f} s; "
      "violations: {}\n",
      progress ? "\r\033[K" : "", counts.kills, counts.courses, arguments.course.value_or(arguments.seed),
      counts.clean, counts.checks, counts.external_checks, seconds_since(begin), counts.violations);
  return counts.violations == 0 ? 0 : 1;
}
