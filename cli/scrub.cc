// butterfuse scrub: verifies all that is stored, on a mount or in images, and brings bad copies back.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <future>

#include "cli/commands.h"
#include "cli/process/exit_codes.h"
#include "cli/process/interruption.h"
#include "cli/process/progress.h"
#include "cli/process/standard_streams.h"
#include "cli/scrub_state.h"
#include "cli/scrub_target.h"
#include "core/base/shown_name.h"

namespace butterfuse {
namespace {

constexpr std::chrono::milliseconds kLook{200};

struct ScrubArguments {
  std::vector<std::string> sources;
  bool read_only = false;
  bool resume = false;
  std::string state_path;
};

struct Outcome {
  uint64_t corrected = 0, uncorrectable = 0, super_errors = 0;
};

int fail(const std::string& message) {
  complain("butterfuse scrub: {}", message);
  return fsck_status::kFailed;
}

void print_device(const ScrubDevice& device, const ScrubProgress& progress) {
  print(
      "device {} ({}): {} data bytes, {} tree bytes; errors: {} read, {} checksum, {} superblock; {} "
      "corrected, {} "
      "uncorrectable; {} sectors without checksum\n",
      device.devid, shown_text(device.path), progress.data_bytes, progress.tree_bytes, progress.read_errors,
      progress.csum_errors, progress.super_errors, progress.corrected, progress.uncorrectable,
      progress.no_csum);
}

// In a thread of its own, with a look at it now and then.
Result<ScrubProgress> run_watched(ScrubTarget& target, const ScrubDevice& device, ScrubState& state) {
  ProgressLine line("scrub", isatty(STDERR_FILENO));
  const uint64_t from = state.done_until[device.devid];
  auto running = std::async(std::launch::async, [&] { return target.run(device.devid, from); });
  bool cancelled = false;
  while (running.wait_for(kLook) != std::future_status::ready) {
    if (Interruption::requested() && !std::exchange(cancelled, true)) target.cancel();
    const ScrubProgress now = target.progress(device.devid);
    if (now.last_physical > from) {
      state.done_until[device.devid] = now.last_physical;
      (void)state.save();
    }
    const auto done = static_cast<double>(now.data_bytes + now.tree_bytes);
    line.show(fmt::format("device {}", device.devid),
              std::min(done / static_cast<double>(device.bytes_used + 1), 0.99));
  }
  return running.get();
}

// What the state has, if it is to be gone on with. Any other content of its file is found before a scrub begins.
Status begin_with(ScrubState& state, bool resume) {
  BF_ASSIGN(const bool found, state.load());
  if (resume && !found) return make_error(ENOENT, "{}: no interrupted scrub to go on with", state.path());
  if (!resume) state.done_until.clear();
  return {};
}

int stop_here(ScrubTarget& target, const ScrubState& state) {
  const Status saved = state.save();
  complain("interrupted; butterfuse scrub {}",
           saved ? "--resume goes on" : "has to begin anew, for how far it got can't be kept:");
  if (!saved) complain("  {}", saved.error().message);
  if (const Status closed = target.close(); !closed) return fail(closed.error().message);
  return fsck_status::kCancelled;
}

int run_scrub(const ScrubArguments& arguments) {
  Interruption::watch();
  StandardStreams::outlive_readers();
  auto target = open_scrub_target(arguments.sources, !arguments.read_only);
  if (!target) {
    fail(target.error().message);
    return target.error().code == EINTR ? fsck_status::kCancelled : fsck_status::kFailed;
  }
  ScrubState state(arguments.state_path, (*target)->fsid());
  if (const Status begun = begin_with(state, arguments.resume); !begun) return fail(begun.error().message);
  Outcome outcome;
  for (const ScrubDevice& device : (*target)->devices()) {
    const auto progress = run_watched(**target, device, state);
    if (!progress) return fail(progress.error().message);
    print_device(device, *progress);
    outcome.corrected += progress->corrected;
    outcome.uncorrectable += progress->uncorrectable;
    outcome.super_errors += progress->super_errors;
    const bool stop = Interruption::requested();
    state.done_until[device.devid] = stop ? progress->last_physical : ~uint64_t{0};
    if (stop) return stop_here(**target, state);
  }
  if (const Status closed = (*target)->close(); !closed) return fail(closed.error().message);
  state.remove();
  if (outcome.uncorrectable) return fsck_status::kUncorrected;
  return outcome.corrected || outcome.super_errors ? fsck_status::kCorrected : fsck_status::kClean;
}

}  // namespace

void add_scrub_command(CLI::App& app, CommandResult& result) {
  auto arguments = std::make_shared<ScrubArguments>();
  CLI::App* command =
      app.add_subcommand("scrub", "Verify all that is stored, and bring bad copies back from good ones");
  command
      ->add_option("SOURCE", arguments->sources,
                   "directory of a mount, or image files and devices that nobody has mounted")
      ->required();
  command->add_flag("-r,--readonly", arguments->read_only, "write nothing, only report");
  command->add_flag("--resume", arguments->resume, "go on where an interrupted scrub stopped");
  command->add_option("--state", arguments->state_path,
                      "file that says how far a scrub got (default: by file system id)");
  command->footer(
      "Exit status: 0 clean, 1 all errors corrected, 2 wrong usage, 4 errors are left, 8 could not be "
      "scrubbed "
      "or told, 32 interrupted.");
  command->callback([arguments, &result] { result.exit_status = run_scrub(*arguments); });
}

}  // namespace butterfuse
