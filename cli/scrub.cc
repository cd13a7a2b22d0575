// SPDX-License-Identifier: GPL-2.0-or-later
// butterfuse scrub: verifies all that is stored, on a mount or in images, and brings bad copies back.
//
// Devices are scrubbed one after the other, each by a thread that reads while this one looks at it: draws the
// line of progress, saves how far it got, and passes a Ctrl-C on. What was verified is written down for
// --resume, by device; a device that is done is skipped by a state that says "to the end". The state goes
// when the last device is done.
//
// Devices that are missing or get lost are left out with a word. What lies on them was not verified, so the
// status says that not all is well, though no error was found.
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
#include "cli/sources.h"
#include "core/base/shown_name.h"

namespace butterfuse {
namespace {

// How often it is looked at: often enough for an eye and for Ctrl-C. A killed scrub goes on from there; each
// look at which it got on also writes the state to the disk.
constexpr std::chrono::milliseconds kLook{200};

struct ScrubArguments {
  std::vector<std::string> sources;
  WindowArguments window;
  bool read_only = false;
  bool degraded = false;
  bool resume = false;
  std::string state_path;
};

struct Outcome {
  uint64_t corrected = 0, uncorrectable = 0, super_errors = 0;
  bool all_verified = true;

  void add(const ScrubProgress& progress) {
    corrected += progress.corrected;
    uncorrectable += progress.uncorrectable;
    super_errors += progress.super_errors;
  }
  // As check has them: what was brought back is told (1), what is left outweighs it (4).
  int exit_status() const {
    if (uncorrectable != 0 || !all_verified) return fsck_status::kUncorrected;
    return corrected || super_errors ? fsck_status::kCorrected : fsck_status::kClean;
  }
};

int fail_scrub(const std::string& message, int status = fsck_status::kFailed) {
  complain("butterfuse scrub: {}", message);
  return status;
}

// The others have what it has, as far as it is anywhere, and are scrubbed all the same.
void leave_out(const ScrubDevice& device, const std::string& why) {
  complain("butterfuse scrub: device {}: {}; what lies on it is not verified", device.devid, why);
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

// What the state has, if it is to be gone on with.
// Any other content of its file is found before a scrub begins.
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
  if (const Status closed = target.close(); !closed) return fail_scrub(closed.error().message);
  return fsck_status::kCancelled;
}

int scrub_all(ScrubTarget& target, ScrubState& state) {
  Outcome outcome;
  for (const ScrubDevice& device : target.devices()) {
    if (device.path.empty()) {
      leave_out(device, "missing");
      outcome.all_verified = false;
      continue;
    }
    const auto progress = run_watched(target, device, state);
    if (!progress && progress.error().code != ENODEV) return fail_scrub(progress.error().message);
    if (!progress) {
      leave_out(device, progress.error().message);
      outcome.all_verified = false;
    } else {
      print_device(device, *progress);
      outcome.add(*progress);
    }
    const bool stop = Interruption::requested();
    if (progress) state.done_until[device.devid] = stop ? progress->last_physical : ~uint64_t{0};
    if (stop) return stop_here(target, state);
  }
  if (const Status closed = target.close(); !closed) return fail_scrub(closed.error().message);
  state.remove();
  return outcome.exit_status();
}

int run_scrub(const ScrubArguments& arguments) {
  Interruption::watch();
  StandardStreams::outlive_readers();
  const auto window = arguments.window.window();
  if (!window) return fail_scrub(window.error().message, exit_codes_of("scrub").usage);
  auto target = open_scrub_target({arguments.sources, *window, !arguments.read_only, arguments.degraded});
  if (!target)
    return fail_scrub(target.error().message,
                      target.error().code == EINTR ? fsck_status::kCancelled : fsck_status::kFailed);
  ScrubState state(arguments.state_path, (*target)->fsid());
  if (const Status begun = begin_with(state, arguments.resume); !begun)
    return fail_scrub(begun.error().message);
  return scrub_all(**target, state);
}

}  // namespace

void add_scrub_command(CLI::App& app, CommandResult& result) {
  auto arguments = std::make_shared<ScrubArguments>();
  CLI::App* command = add_command(
      app, "scrub", "Verify all that is stored, and bring bad copies back from good ones",
      {.paragraphs =
           {"Reads every copy of everything at idle priority, on a mount or in images that nobody has mounted, and rewrites "
            "bad copies from good ones. A missing device (of images: with `--degraded`) is left out with a word, and the "
            "others are verified. Errors of devices are counted in the file system, as the kernel does it."},
       .examples = {{"butterfuse scrub /mnt", "All devices of a mount:"},
                    {"butterfuse scrub --resume /mnt", "Go on after an interruption:"}},
       .see_also = {"butterfuse-check(8)"}});
  command
      ->add_option("SOURCE", arguments->sources,
                   "directory of a mount, or image files and devices that nobody has mounted")
      ->required();
  add_window_options(*command, arguments->window);
  command->add_flag("--degraded", arguments->degraded,
                    "of images and devices: some may be missing, as with mount -o degraded");
  command->add_flag("-r,--readonly", arguments->read_only, "write nothing, only report");
  command->add_flag("--resume", arguments->resume, "go on where an interrupted scrub stopped");
  command
      ->add_option("--state", arguments->state_path,
                   "file that says how far a scrub got (default: by file system id)")
      ->type_name("FILE");
  command->callback([arguments, &result] { result.exit_status = run_scrub(*arguments); });
}

}  // namespace butterfuse
