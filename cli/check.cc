// SPDX-License-Identifier: GPL-2.0-or-later
// butterfuse check: judges an image or device, and hands over to repair when asked to.
//
// Three depths:
//
//   check                     every tree, every reference, every number
//   check --check-data-csum   all data as well
//   check -a                  superblocks, and which devices are missing: what fsck(8) asks at boot
//
// A check only reads. It takes place beside others who have the source open, with a warning, since looking
// does no harm; what writes (--repair, --undo) is refused there. What is said goes to a CheckReport, which is
// told how the run ends whatever happens in it: a program that reads --json gets a whole document each time.
#include <fmt/format.h>
#include <unistd.h>

#include "cli/check_report.h"
#include "cli/commands.h"
#include "cli/process/exit_codes.h"
#include "cli/process/interruption.h"
#include "cli/process/memory_watch.h"
#include "cli/process/progress.h"
#include "cli/process/standard_streams.h"
#include "cli/repair.h"
#include "cli/sources.h"
#include "core/check/block_walk.h"
#include "core/check/checker.h"

namespace butterfuse {
namespace {

struct CheckArguments {
  std::vector<std::string> sources;
  WindowArguments window;
  bool data_csums = false;
  bool progress = false;
  ReportStyle style;
  bool read_only = false;
  bool boot = false;   // a look at the superblocks is enough
  bool force = false;  // it is not; of a repair: ask nothing
  bool yes = false;    // of a repair: ask nothing
  bool repair = false;
  std::string undo_log, undo;
};

// Whoever pressed Ctrl-C has not found the file system in order: fsck(8) has a status of its own for that.
int status_of(const Error& error) {
  return error.code == EINTR ? fsck_status::kCancelled : fsck_status::kFailed;
}

int not_checked(const CheckArguments& arguments, CheckReport& report, const Error& error) {
  report.failure(named_message(arguments.sources, with_partitions(error, report.source()).message));
  return status_of(error);
}

// What a boot waits for: copy-on-write keeps the trees whole through any crash, so there is nothing to look
// for that the mount would not find.
int look_at_superblocks(const CheckArguments& arguments, CheckReport& report, BlockDevices devices) {
  const auto volume = Volume::open(std::move(devices));
  if (!volume) return not_checked(arguments, report, volume.error());
  // The chunk tree names all devices, and may lie on one that is not here.
  std::string failure;
  load_chunk_tree(**volume, [&](const Error& error) { failure = error.message; });
  const std::string missing = (*volume)->missing_devices();
  if (!missing.empty() || !failure.empty()) {
    report.failure(named_message(
        arguments.sources, missing.empty() ? failure : fmt::format("devices are missing: {}", missing)));
    return fsck_status::kUncorrected;
  }
  const uint64_t generation = (*volume)->super().generation;
  report.verdict(fmt::format("superblocks are sound, generation {}; -f checks all", generation));
  report.field("checked", "superblocks");
  report.field("generation", generation);
  return fsck_status::kClean;
}

int judge(const CheckArguments& arguments, CheckReport& report, BlockDevices devices) {
  ProgressLine progress("checking", arguments.progress || (isatty(STDERR_FILENO) && !arguments.style.quiet));
  CheckOptions options{.data_csums = arguments.data_csums};
  options.on_error = [&](const std::string& finding) { progress.clear(), report.error(finding); };
  options.on_warning = [&](const std::string& finding) { progress.clear(), report.warning(finding); };
  options.on_progress = [&](const std::string& phase, double part) { progress.show(phase, part); };
  MemoryWatch memory;
  options.interrupted = [&] { return Interruption::requested() || memory.is_short(); };
  options.max_errors = report.findings_max();
  auto summary = check_filesystem(std::move(devices), options);
  progress.clear();
  if (!summary) return not_checked(arguments, report, memory.explain(summary.error()));
  report.summary(*summary);
  // Missing devices are no error that was found, but nobody can say that all is well.
  const bool whole = summary->errors == 0 && summary->missing_devices.empty();
  return whole ? fsck_status::kClean : fsck_status::kUncorrected;
}

int run_check(const CheckArguments& arguments, CheckReport& report) {
  const auto window = arguments.window.window();
  if (!window) return report.failure(window.error().message), fsck_status::kUsage;
  if (arguments.repair || !arguments.undo.empty()) {
    const bool undo = !arguments.undo.empty();
    const RepairArguments wanted{arguments.sources,
                                 *window,
                                 arguments.force,
                                 arguments.force || arguments.yes,
                                 arguments.progress || (isatty(STDERR_FILENO) && !arguments.style.quiet),
                                 undo ? arguments.undo : arguments.undo_log};
    return undo ? run_undo(wanted, report) : run_repair(wanted, report);
  }
  auto devices = open_sources(arguments.sources, {.mode = OpenMode::read_only}, *window, InUse::warn);
  if (!devices) return report.failure(devices.error().message), status_of(devices.error());
  if (arguments.boot && !arguments.force) return look_at_superblocks(arguments, report, std::move(*devices));
  return judge(arguments, report, std::move(*devices));
}

// The document is told to the end, whatever is thrown.
int run_and_report(const CheckArguments& arguments) {
  Interruption::watch();
  StandardStreams::outlive_readers();
  CheckReport report(arguments.sources.front(), arguments.style);
  try {
    return report.finish(run_check(arguments, report));
  } catch (const std::exception& error) {
    report.failure(error.what());
    return report.finish(fsck_status::kFailed);
  }
}

CommandNotes check_notes() {
  return {
      .paragraphs =
          {"Verifies superblocks, chunks, device extents, extent references both ways, free space, names, inodes, sizes, "
           "quota numbers, log trees and, with `--check-data-csum`, all data. Nothing is written without `--repair` or "
           "`--undo`. With `--json` there is one document in any case, also of a repair or a failure. A device that is not "
           "given, or was cut short, is told: status 4, or 8 where a repair would give up what lies there.",
           "`--repair` mends a copy in memory, checks that, and writes it only if it has fewer errors, after a question. "
           "What it overwrites is saved first, and `--undo` puts every byte back, unless anybody wrote to the file system "
           "since. The status of an undo is that of what is there then: 4, as the errors are back.",
           "As `fsck.butterfuse` or `fsck.fuse.butterfuse` it takes the flags of fsck(8). At boot, with `-a` or fsck's `-p`, it "
           "looks at the superblocks only, as copy-on-write allows; `-f` checks all."},
      .examples = {{"butterfuse check --check-data-csum disk.img", "Read and verify everything:"},
                   {"butterfuse check --repair disk.img",
                    "Repair, after a question; the old bytes go to disk.img.undo:"},
                   {"butterfuse check --undo disk.img.undo disk.img", "And back:"}},
      .programs = {"fsck.butterfuse", "fsck.fuse.butterfuse"},
      .see_also = {"butterfuse-scrub(8)", "fsck(8)"}};
}

}  // namespace

void add_check_command(CLI::App& app, CommandResult& result) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command =
      add_command(app, "check", "Check, and on demand repair, an unmounted file system", check_notes());
  command->add_option("SOURCE", arguments->sources, "image files or block devices, all of one file system")
      ->required();
  add_window_options(*command, arguments->window);
  command->add_flag("--check-data-csum", arguments->data_csums, "read all data and verify its checksums");
  command->add_flag("--json", arguments->style.json, "print one JSON document instead of lines");
  command->add_flag("-p,--progress", arguments->progress, "show progress even when not on a terminal");
  command->add_flag("-q,--quiet", arguments->style.quiet, "print only the verdict");
  CLI::Option* repair =
      command->add_flag("--repair", arguments->repair,
                        "mend a copy in memory, check it, and write it after asking; keeps the old bytes");
  command->add_option("--undo-log", arguments->undo_log, "file for the old bytes (default: SOURCE.undo)")
      ->type_name("FILE")
      ->needs(repair);
  CLI::Option* undo = command->add_option("--undo", arguments->undo, "put back the old bytes of this file");
  undo->type_name("FILE")->excludes(repair);
  command
      ->add_flag("-n,--readonly", arguments->read_only,
                 "write nothing: the default, and not to be had with the other two")
      ->excludes(repair)
      ->excludes(undo);
  command->add_flag("-a", arguments->boot, "as at boot: look at the superblocks only, unless -f is given");
  command->add_flag("-f,--force", arguments->force, "check all, with -a too; repair without asking");
  command->add_flag("-y", arguments->yes,
                    "the answer to what --repair asks; by itself, as fsck(8) gives it, it repairs nothing");
  command->callback([arguments, &result] { result.exit_status = run_and_report(*arguments); });
}

}  // namespace butterfuse
