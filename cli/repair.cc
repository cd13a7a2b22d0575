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
#include "core/repair/undo_log.h"

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
    return fsck_status::kCorrected;
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
  if (plan.before().errors == 0) return fmt::print("{}: no error found\n", source), fsck_status::kClean;
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

int run_undo(const RepairArguments& arguments) {
  auto devices = open_shared(arguments);
  if (!devices) return fail(devices.error().message);
  std::vector<BlockDevice*> raw;
  for (const auto& device : *devices) raw.push_back(device.get());
  const auto bytes = repair::undo(arguments.undo_log, raw);
  if (!bytes) return fail(bytes.error().message);
  fmt::print("{}: {} bytes are back as they were before the repair\n", arguments.sources.front(), *bytes);
  return fsck_status::kClean;
}

}  // namespace butterfuse
