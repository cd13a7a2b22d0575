// SPDX-License-Identifier: GPL-2.0-or-later
// The writing half of check: asks before it writes, and keeps the way back.
//
// A repair in the order in which it can still be stopped:
//
//   plan       check, mend a copy in memory, check that: whatever ends it, nothing was written
//   judge      fewer errors than before? else it ends here
//   ask        how much, how many errors become how many, where the old bytes go (-y and -f answer yes)
//   save       the old bytes into the undo log
//   write      superblocks last; not to be interrupted; after a crash the undo log restores what was there
//   verdict    1 all errors are gone, 5 some are left
//
// An undo goes the same way back: it is applied to a copy and checked, and must not end up worse than before
// the repair. If it does, somebody has written since; --force does it all the same.
#include "cli/repair.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/process/exit_codes.h"
#include "cli/process/interruption.h"
#include "cli/process/json.h"
#include "cli/process/memory_watch.h"
#include "cli/process/progress.h"
#include "cli/process/question.h"
#include "cli/sources.h"
#include "core/base/shell_word.h"
#include "core/repair/repair.h"
#include "core/repair/undo.h"

namespace butterfuse {
namespace {

int fail_repair(CheckReport& report, const Error& error) {
  report.failure(error.message);
  return error.code == EINTR ? fsck_status::kCancelled : fsck_status::kFailed;
}

// Beside an image; for devices in the folder one is in, since /dev is no place for files. Never a name that
// is taken: that may be the way back from an earlier repair.
std::string undo_log_of(const RepairArguments& arguments) {
  if (!arguments.undo_log.empty()) return arguments.undo_log;
  const std::filesystem::path source = arguments.sources.front();
  std::error_code ignored;
  const bool is_image = std::filesystem::is_regular_file(source, ignored);
  const std::string base = is_image ? source.string() : source.filename().string();
  for (int number = 1;; ++number) {
    std::string path = number == 1 ? base + ".undo" : fmt::format("{}.undo.{}", base, number);
    if (!std::filesystem::exists(path, ignored)) return path;
  }
}

// With --json standard output is one document: the question goes beside it.
Answer ask(const repair::Repair& plan, const CheckReport& report, const std::string& undo_log) {
  const std::string question =
      fmt::format("Write {} bytes? {} errors become {}; the old bytes are kept in {}", plan.changed_bytes(),
                  plan.before().errors, plan.after().errors, undo_log);
  return ask_on(report.style().json ? QuestionStream::error : QuestionStream::output, question);
}

Result<std::vector<std::shared_ptr<BlockDevice>>> open_shared(const RepairArguments& arguments) {
  BF_ASSIGN(BlockDevices opened,
            open_sources(arguments.sources, {.mode = OpenMode::read_write}, arguments.window));
  std::vector<std::shared_ptr<BlockDevice>> devices;
  for (auto& device : opened) devices.push_back(std::move(device));
  return devices;
}

// fsck(8) adds up: corrected, and uncorrected where something is left or could not be looked at.
int verdict(const repair::Repair& plan, CheckReport& report) {
  const uint64_t left = plan.after().errors;
  if (left == 0) {
    report.verdict("repaired, no error is left");
    const bool whole = plan.before().missing_devices.empty();
    return fsck_status::kCorrected | (whole ? 0 : fsck_status::kUncorrected);
  }
  report.verdict(fmt::format("{} of {} errors are left; a check lists them", left, plan.before().errors));
  return fsck_status::kCorrected | fsck_status::kUncorrected;
}

int nothing_written(CheckReport& report, const std::string& why, int exit_status) {
  report.field("bytes_written", 0);
  report.verdict(why);
  return exit_status;
}

int interrupted(CheckReport& report) {
  report.field("bytes_written", 0);
  report.failure("interrupted, nothing was written");
  return fsck_status::kCancelled;
}

// The command that undoes it, as a shell takes it.
std::string way_back_of(const RepairArguments& arguments, const std::string& undo_log) {
  std::string command = "butterfuse check";
  const DeviceWindow& window = arguments.window;
  if (window.partition != 0) command += fmt::format(" --part {}", window.partition);
  if (window.offset != 0) command += fmt::format(" --offset {}", window.offset);
  if (window.bytes != 0) command += fmt::format(" --sizelimit {}", window.bytes);
  command += " --undo " + shell_word(undo_log);
  for (const std::string& source : arguments.sources) command += " " + shell_word(source);
  return command;
}

int write_plan(repair::Repair& plan, const RepairArguments& arguments, const std::string& undo_log,
               CheckReport& report) {
  if (const Status saved = plan.save(undo_log); !saved)
    return fail_repair(report, Error{saved.error().code, saved.error().message + "; nothing was written"});
  const std::string way_back = way_back_of(arguments, undo_log);
  if (const Status written = plan.write(); !written)
    return fail_repair(report, Error{EIO, fmt::format("{}; \"{}\" restores what was there",
                                                      written.error().message, way_back)});
  report.remark(fmt::format("old bytes are in {}: {}", undo_log, way_back));
  report.field("bytes_written", plan.changed_bytes());
  report.field("undo_log", json_text(undo_log));
  report.field("errors", plan.after().errors);
  return verdict(plan, report);
}

}  // namespace

int run_repair(const RepairArguments& arguments, CheckReport& report) {
  auto devices = open_shared(arguments);
  if (!devices) return fail_repair(report, devices.error());
  ProgressLine progress("repairing", arguments.progress);
  repair::RepairOptions options;
  options.on_action = [&](const std::string& action) { progress.clear(), report.action(action); };
  options.on_progress = [&](const std::string& phase, double part) { progress.show(phase, part); };
  MemoryWatch memory;
  options.interrupted = [&] { return Interruption::requested() || memory.is_short(); };
  repair::Repair plan(*devices, options);
  const Status planned = plan.plan();
  progress.clear();
  if (Interruption::requested()) return interrupted(report);
  if (!planned) {
    const Error error = memory.explain(planned.error());
    return fail_repair(report,
                       Error{error.code, fmt::format("{}; it can't be repaired, and nothing was written",
                                                     named_message(arguments.sources, error.message))});
  }
  const uint64_t before = plan.before().errors;
  const std::string& missing = plan.before().missing_devices;
  report.field("errors", before);
  report.field("warnings", plan.before().warnings);
  report.field("errors_before_repair", before);
  report.field("errors_after_repair", plan.after().errors);
  report.field("missing_devices", missing);
  if (!missing.empty())
    report.remark(
        fmt::format("devices are missing: {}; what lies on them is neither checked nor repaired", missing));
  if (before == 0)
    return missing.empty()
               ? nothing_written(report, "no error found", fsck_status::kClean)
               : nothing_written(
                     report, fmt::format("no error found in what is here; devices are missing: {}", missing),
                     fsck_status::kUncorrected);
  if (!plan.is_improvement())
    return nothing_written(
        report, fmt::format("{} errors found, none of them can be mended; nothing was written", before),
        fsck_status::kUncorrected);
  const std::string undo_log = undo_log_of(arguments);
  const Answer answer = arguments.yes ? Answer::yes : ask(plan, report, undo_log);
  if (Interruption::requested()) return interrupted(report);
  if (answer != Answer::yes)
    return nothing_written(report, fmt::format("{} errors found; nothing was written", before),
                           fsck_status::kUncorrected);
  return write_plan(plan, arguments, undo_log, report);
}

int run_undo(const RepairArguments& arguments, CheckReport& report) {
  auto devices = open_shared(arguments);
  if (!devices) return fail_repair(report, devices.error());
  const auto undo = repair::Undo::plan(arguments.undo_log, *devices);
  if (!undo) return fail_repair(report, undo.error());
  ProgressLine progress("checking what the undo makes", arguments.progress);
  CheckOptions options;
  options.on_progress = [&](const std::string& phase, double part) { progress.show(phase, part); };
  MemoryWatch memory;
  options.interrupted = [&] { return Interruption::requested() || memory.is_short(); };
  const auto summary = (*undo)->check(options);
  progress.clear();
  if (Interruption::requested()) return interrupted(report);
  if (!summary && memory.is_short() && !arguments.force)
    return fail_repair(report,
                       Error{ENOMEM, fmt::format("{}; nothing was written (--force goes without the check)",
                                                 named_message(arguments.sources,
                                                               memory.explain(summary.error()).message))});
  const uint64_t errors_before = (*undo)->errors_before_repair();
  if (!arguments.force && (!summary || summary->errors > errors_before))
    return fail_repair(
        report,
        Error{ESTALE, fmt::format("{}: with the old bytes back it would be worse than before the repair ({} "
                                  "instead of {} errors): something else has changed; nothing was "
                                  "written (--force does it all the same)",
                                  report.source(),
                                  summary ? fmt::format("{}", summary->errors) : summary.error().message,
                                  errors_before)});
  if (const Status written = (*undo)->write(); !written)
    return fail_repair(report, Error{written.error().code,
                                     fmt::format("{}; run the same undo again", written.error().message)});
  const bool clean = summary && summary->errors == 0;
  report.verdict(fmt::format(
      "{} bytes are back as they were before the repair, {}", (*undo)->bytes(),
      clean ? std::string("no error found")
            : fmt::format("and so are its {} errors", summary ? summary->errors : errors_before)));
  report.field("bytes_restored", (*undo)->bytes());
  report.field("undo_log", json_text(arguments.undo_log));
  return clean ? fsck_status::kClean : fsck_status::kUncorrected;
}

}  // namespace butterfuse
