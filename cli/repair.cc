// The writing half of check: asks before it writes, and keeps the way back.
#include "cli/repair.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "cli/exit_codes.h"
#include "cli/progress.h"
#include "cli/sources.h"
#include "core/repair/repair.h"
#include "core/repair/undo.h"

namespace butterfuse {
namespace {

int fail(const std::string& message) {
  fmt::print(stderr, "butterfuse check: {}\n", message);
  return fsck_status::kFailed;
}

// Beside an image; for devices in the folder one is in, since /dev is no place for files.
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

bool agrees(const repair::Repair& plan, const std::string& undo_log) {
  fmt::print("Write {} bytes? {} errors become {}; the old bytes are kept in {} [y/N] ", plan.changed_bytes(),
             plan.before().errors, plan.after().errors, undo_log);
  std::fflush(stdout);
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "yes");
}

Result<std::vector<std::shared_ptr<BlockDevice>>> open_shared(const RepairArguments& arguments) {
  BF_ASSIGN(BlockDevices opened,
            open_sources(arguments.sources, {.mode = OpenMode::read_write}, arguments.window));
  std::vector<std::shared_ptr<BlockDevice>> devices;
  for (auto& device : opened) devices.push_back(std::move(device));
  return devices;
}

int report(const repair::Repair& plan, const std::string& source) {
  const uint64_t left = plan.after().errors;
  if (left == 0) {
    fmt::print("{}: repaired, no error is left\n", source);
    const bool whole = plan.before().missing_devices.empty();
    return fsck_status::kCorrected | (whole ? 0 : fsck_status::kUncorrected);
  }
  fmt::print("{}: {} of {} errors are left; a check lists them\n", source, left, plan.before().errors);
  return fsck_status::kCorrected | fsck_status::kUncorrected;
}

}  // namespace

int run_repair(const RepairArguments& arguments, const std::atomic<bool>& stop) {
  auto devices = open_shared(arguments);
  if (!devices) return fail(devices.error().message);
  const std::string& source = arguments.sources.front();
  ProgressLine progress("repairing", arguments.progress);
  repair::RepairOptions options;
  options.on_action = [&](const std::string& action) {
    progress.clear();
    fmt::print("{}\n", action);
  };
  options.on_progress = [&](const std::string& phase, double part) { progress.show(phase, part); };
  options.interrupted = [&] { return stop.load(); };
  repair::Repair plan(*devices, options);
  const Status planned = plan.plan();
  progress.clear();
  if (stop)
    return fmt::print(stderr, "butterfuse check: interrupted, nothing was written\n"),
           fsck_status::kCancelled;
  if (!planned)
    return fail(
        fmt::format("{}: can't be repaired, nothing was written: {}", source, planned.error().message));
  const std::string& missing = plan.before().missing_devices;
  if (!missing.empty())
    fmt::print("{}: devices are missing: {}; what lies on them is neither checked nor repaired\n", source,
               missing);
  if (plan.before().errors == 0) {
    fmt::print("{}: no error found\n", source);
    return missing.empty() ? fsck_status::kClean : fsck_status::kUncorrected;
  }
  if (!plan.is_improvement()) {
    fmt::print("{}: {} errors found, none of them can be mended; nothing was written\n", source,
               plan.before().errors);
    return fsck_status::kUncorrected;
  }
  const std::string undo_log = undo_log_of(arguments);
  if (!arguments.force && !agrees(plan, undo_log))
    return fmt::print("nothing was written\n"), fsck_status::kUncorrected;
  if (const Status written = plan.write(undo_log); !written)
    return fail(fmt::format("{}; \"butterfuse check --undo {} {}\" restores what was there",
                            written.error().message, undo_log, source));
  fmt::print("old bytes are in {}: butterfuse check --undo {} {}\n", undo_log, undo_log,
             fmt::join(arguments.sources, " "));
  return report(plan, source);
}

int run_undo(const RepairArguments& arguments, const std::atomic<bool>& stop) {
  auto devices = open_shared(arguments);
  if (!devices) return fail(devices.error().message);
  const std::string& source = arguments.sources.front();
  const auto undo = repair::Undo::plan(arguments.undo_log, *devices);
  if (!undo) return fail(undo.error().message);
  ProgressLine progress("checking what the undo makes", arguments.progress);
  CheckOptions options;
  options.on_progress = [&](const std::string& phase, double part) { progress.show(phase, part); };
  options.interrupted = [&] { return stop.load(); };
  const auto summary = (*undo)->check(options);
  progress.clear();
  if (stop)
    return fmt::print(stderr, "butterfuse check: interrupted, nothing was written\n"),
           fsck_status::kCancelled;
  if (!arguments.force && (!summary || summary->errors > (*undo)->errors_before_repair()))
    return fail(
        fmt::format("{}: with the old bytes back it would be worse than before the repair ({} instead of {} "
                    "errors): something "
                    "else has changed; nothing was written (--force does it all the same)",
                    source, summary ? fmt::format("{}", summary->errors) : summary.error().message,
                    (*undo)->errors_before_repair()));
  if (const Status written = (*undo)->write(); !written)
    return fail(fmt::format("{}; run the same undo again", written.error().message));
  fmt::print("{}: {} bytes are back as they were before the repair, {}\n", source, (*undo)->bytes(),
             summary && summary->errors == 0
                 ? std::string("no error found")
                 : fmt::format("and so are its {} errors",
                               summary ? summary->errors : (*undo)->errors_before_repair()));
  return summary && summary->errors == 0 ? fsck_status::kClean : fsck_status::kUncorrected;
}

}  // namespace butterfuse
