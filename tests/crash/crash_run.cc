// SPDX-License-Identifier: GPL-2.0-or-later
// CrashRun: recording, cutting, mounting, judging.
#include "tests/crash/crash_run.h"

#include <fmt/format.h>

#include <optional>

#include "tests/crash/judge.h"
#include "tests/crash/model_course.h"
#include "tests/support/btrfs_check.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::crash {
namespace {

// The devices as they are; what is written to them goes into the trace and no further.
template <class Devices>
BlockDevices recorded(const Devices& devices, const std::shared_ptr<Trace>& trace) {
  BlockDevices result;
  for (const auto& device : devices)
    result.push_back(std::make_unique<RecordingDevice>(std::make_shared<MemoryDevice>(device), trace,
                                                       static_cast<uint32_t>(result.size())));
  return result;
}

class CrashRun {
 public:
  CrashRun(uint64_t seed, const CrashRunOptions& options, CrashCounts& counts)
      : seed_(seed), setting_(seed), options_(options), counts_(counts) {}

  void run() {
    ++counts_.workloads;
    const Disks disks = setting_.make_disks();
    auto trace = std::make_shared<Trace>();
    record(disks, trace);
    CrashStates(trace->events(), disks, seed_).for_each([&](const CrashState& state) {
      judge(state);
      return !options_.stop || !options_.stop();
    });
  }

 private:
  void record(const Disks& disks, const std::shared_ptr<Trace>& trace) {
    auto mount = must(Mount::open(recorded(disks, trace), setting_.mount_options()));
    Workload workload(*mount, *trace, seed_);
    must(workload.run(setting_.shape));
    course_.emplace(Model(workload.root()), workload.steps());
    // What comes behind, unmounting, is cut as well.
    must(mount->close());
  }

  void judge(const CrashState& state) {
    course_->advance(state.time);
    const bool cut = options_.recovery_cut_every && (counts_.states + 1) % options_.recovery_cut_every == 0;
    if (cut) cut_recovery(state);
    judge_mount(state);
  }

  // A replay that is cut is begun anew, and ends as well.
  void cut_recovery(const CrashState& state) {
    ++counts_.recoveries_cut;
    auto trace = std::make_shared<Trace>();
    auto mount = Mount::open(recorded(state.devices, trace), setting_.mount_options());
    if (!mount) return;  // judge_mount meets the same
    (void)(*mount)->close();
    mount->reset();
    const Disks disks(state.devices.begin(), state.devices.end());
    CrashStates(trace->events(), disks, seed_).for_each([&](CrashState inner) {
      inner.what = state.what + ", then its recovery cut at " + inner.what;
      judge_mount(inner);
      return true;
    });
  }

  void judge_mount(const CrashState& state) {
    ++counts_.states;
    const bool again = options_.second_mount_every && counts_.states % options_.second_mount_every == 0;
    std::vector<std::string> problems = mount_and_compare(state);
    if (problems.empty()) problems = check(state);
    if (problems.empty() && again) {
      ++counts_.second_mounts;
      problems = mount_and_compare(state);
    }
    if (!problems.empty()) violation(state, problems);
  }

  std::vector<std::string> mount_and_compare(const CrashState& state) {
    return crash::mount_and_compare(share(state.devices), setting_, course_->model(), setting_.atom);
  }

  std::vector<std::string> check(const CrashState& state) {
    std::vector<std::string> problems = check_all(share(state.devices));
    const bool external =
        options_.external_check_every && counts_.states % options_.external_check_every == 0;
    if (problems.empty() && external && state.devices.size() == 1) {
      static const bool have_judge = have_btrfs_progs();  // says SKIP once
      if (!have_judge) return problems;
      ++counts_.external_checks;
      const TempDir folder;
      save_devices(state.devices, folder.path());
      if (const std::string text = btrfs_check(folder / "device0"); !text.empty())
        problems.push_back("btrfs " + text);
    }
    return problems;
  }

  void violation(const CrashState& state, const std::vector<std::string>& problems) {
    ++counts_.violations;
    const std::string text =
        fmt::format("workload {} ({}), state {}:", seed_, setting_.text, state.what) +
        describe(problems, course_->steps_made(), [&](size_t i) { return course_->state_of(i); });
    if (options_.report) options_.report(text);
    if (!options_.keep_folder.empty()) save_devices(state.devices, options_.keep_folder);
  }

  const uint64_t seed_;
  const Setting setting_;
  const CrashRunOptions& options_;
  CrashCounts& counts_;
  std::optional<ModelCourse> course_;
};

}  // namespace

void run_crash_workload(uint64_t seed, const CrashRunOptions& options, CrashCounts& counts) {
  CrashRun(seed, options, counts).run();
}

}  // namespace butterfuse::crash
