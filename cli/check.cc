// butterfuse check: judges an image or device without writing to it.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "cli/commands.h"
#include "cli/sources.h"
#include "core/check/checker.h"

namespace butterfuse {
namespace {

std::atomic<bool> stop{false};

struct CheckArguments {
  std::vector<std::string> sources;
  WindowArguments window;
  bool data_csums = false;
  bool progress = false;
  bool quiet = false;
  bool boot = false;      // a look at the superblocks is enough
  bool force = false;     // it is not
  bool accepted = false;  // flags that change nothing
};

void show_progress(const std::string& phase, double part) {
  static std::string last;
  std::string line =
      part > 0 ? fmt::format("{}: {:3.0f} %", phase, part * 100) : fmt::format("{} ...", phase);
  if (line == last) return;
  last = line;
  fmt::print(stderr, "\r\033[K[checking] {}", line);
  std::fflush(stderr);
}

void print_summary(const CheckArguments& arguments, const CheckSummary& summary) {
  fmt::print("{}: {}\n", arguments.sources.front(),
             summary.errors ? fmt::format("{} errors found", summary.errors) : std::string("no error found"));
  if (arguments.quiet) return;
  fmt::print(
      "bytes used: {}\ntree blocks: {} ({} bytes)\ndata extents: {} ({} bytes)\nchecksum bytes: {}\ninodes: "
      "{}\n",
      summary.bytes_used, summary.tree_blocks, summary.tree_bytes, summary.data_extents, summary.data_bytes,
      summary.csum_bytes, summary.inodes);
  if (summary.has_log) fmt::print("note: a log tree waits to be replayed; it was not checked\n");
  if (summary.bad_copies) {
    fmt::print("bad copies: {} (another copy was good; a writable mount or a repair brings them back)\n",
               summary.bad_copies);
  }
}

// What a boot waits for: copy-on-write keeps the trees whole through any crash, so there is nothing to look
// for that the mount would not find.
int look_at_superblocks(const std::string& source, BlockDevices devices) {
  const auto volume = Volume::open(std::move(devices));
  if (!volume) {
    fmt::print(stderr, "butterfuse check: {}\n", volume.error().message);
    return 1;
  }
  fmt::print("{}: superblocks are sound, generation {}; -f checks all\n", source,
             uint64_t{(*volume)->super().generation});
  return 0;
}

// 0 clean, 1 damaged, 2 could not be checked.
int run_check(const CheckArguments& arguments) {
  OpenOptions open_options{.mode = OpenMode::read_only};
  auto window = arguments.window.window();
  auto devices = window ? open_sources(arguments.sources, open_options, *window)
                        : Result<BlockDevices>(tl::unexpected(window.error()));
  if (!devices) {
    fmt::print(stderr, "butterfuse check: {}\n", devices.error().message);
    return 2;
  }
  if (arguments.boot && !arguments.force)
    return look_at_superblocks(arguments.sources.front(), std::move(*devices));
  const bool progress = arguments.progress || isatty(STDERR_FILENO);
  CheckOptions options{.data_csums = arguments.data_csums};
  options.on_error = [](const std::string& finding) { fmt::print("ERROR: {}\n", finding); };
  options.on_warning = [](const std::string& finding) { fmt::print("WARNING: {}\n", finding); };
  options.interrupted = [] { return stop.load(); };
  if (progress) options.on_progress = show_progress;
  std::signal(SIGINT, [](int) { stop = true; });
  auto summary = check_filesystem(std::move(*devices), options);
  if (progress) fmt::print(stderr, "\r\033[K");
  if (!summary) {
    fmt::print(stderr, "butterfuse check: {}: {}\n", arguments.sources.front(),
               with_partitions(summary.error(), arguments.sources.front()).message);
    return 2;
  }
  print_summary(arguments, *summary);
  return summary->errors ? 1 : 0;
}

}  // namespace

void add_check_command(CLI::App& app, CommandResult& result) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command = app.add_subcommand("check", "Check an unmounted file system; nothing is written");
  command->add_option("SOURCE", arguments->sources, "image files or block devices, all of one file system")
      ->required();
  add_window_options(*command, arguments->window);
  command->add_flag("--check-data-csum", arguments->data_csums, "read all data and verify its checksums");
  command->add_flag("-p,--progress", arguments->progress, "show progress even when not on a terminal");
  command->add_flag("-q,--quiet", arguments->quiet, "print only the verdict");
  command->add_flag("--readonly", arguments->accepted, "the default; accepted for scripts");
  command->add_flag("-a", arguments->boot, "as at boot: look at the superblocks only, unless -f is given");
  command->add_flag("-f", arguments->force, "check all, with -a too");
  command->add_flag("-n,-y", arguments->accepted, "accepted from fsck(8): the check is always read-only");
  command->callback([arguments, &result] { result.exit_status = run_check(*arguments); });
}

}  // namespace butterfuse
