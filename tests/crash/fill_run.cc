// SPDX-License-Identifier: GPL-2.0-or-later
// FillRun: filling, working, cutting, judging.
#include "tests/crash/fill_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tests/crash/crash_states.h"
#include "tests/crash/judge.h"
#include "tests/crash/model_course.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::crash {
namespace {

constexpr uint64_t kCheckEvery = 4;  // states: there is much to check
constexpr int kViolationsTold = 3;   // of one run; one fault fails hundreds of states

class FillRun {
 public:
  FillRun(uint64_t seed, const FillRunOptions& options, FillCounts& counts)
      : seed_(seed), setting_(seed), options_(options), counts_(counts) {}

  void run() {
    ++counts_.runs;
    const Disks disks = setting_.make_disks();
    auto trace = std::make_shared<Trace>();
    if (!record(disks, trace)) return;
    const std::vector<TraceEvent> events = trace->events();
    const auto writes =
        static_cast<uint64_t>(std::count_if(events.begin(), events.end(), [](const TraceEvent& event) {
          return event.kind == TraceEvent::Kind::write;
        }));
    // Each write is a prefix, alone, or alone missing.
    const uint64_t one_of = std::max<uint64_t>(1, 3 * writes / options_.states_per_run);
    CrashStates(events, disks, seed_)
        .for_each(
            [&](const CrashState& state) {
              judge(state);
              return told_ < kViolationsTold;
            },
            4, one_of);
  }

 private:
  // False: there is nothing to cut.
  bool record(const Disks& disks, const std::shared_ptr<Trace>& trace) {
    BlockDevices devices;
    const auto worked_on = std::make_shared<MemoryDevice>(disks[0]);
    devices.push_back(std::make_unique<RecordingDevice>(worked_on, trace, 0));
    auto mount = must(Mount::open(std::move(devices), setting_.mount_options()));
    const auto found = find_tree(*mount);
    if (!found) return violation("before", {found.error().message}, {}), false;
    Workload workload(*mount, *trace, seed_, *found);
    Status done = workload.run(setting_.shape);
    counts_.operations += static_cast<uint64_t>(setting_.shape.operations);
    counts_.refused += workload.refused();
    std::vector<std::string> problems;
    if (!done) problems.push_back(done.error().message);
    // All of it, as it is: nothing may be missing, durable or not.
    Model exact = workload.model();
    exact.acknowledge({.kind = Change::Kind::sync});
    const auto now = find_tree(*mount);
    if (!now) problems.push_back("walk: " + now.error().message);
    if (now) {
      for (std::string& problem : exact.problems(*now, 1))
        problems.push_back("mounted: " + std::move(problem));
    }
    if (const Status closed = mount->close(); !closed)
      problems.push_back("unmount: " + closed.error().message);
    mount.reset();
    if (problems.empty()) problems = check_all(share(std::vector{worked_on}));
    if (!problems.empty()) return violation("while it ran", problems, workload.steps()), false;
    course_.emplace(Model(*found), workload.steps());
    return true;
  }

  void judge(const CrashState& state) {
    ++counts_.states;
    course_->advance(state.time);
    std::vector<std::string> problems =
        mount_and_compare(share(state.devices), setting_, course_->model(), setting_.atom);
    if (problems.empty() && counts_.states % kCheckEvery == 0) problems = check_all(share(state.devices));
    if (problems.empty()) return;
    violation("state " + state.what, problems, course_->steps_made());
    if (!options_.keep_folder.empty()) save_devices(state.devices, options_.keep_folder);
  }

  void violation(const std::string& where, const std::vector<std::string>& problems,
                 std::span<const Step> steps) {
    ++counts_.violations, ++told_;
    const std::string text =
        fmt::format("fill-up {} ({}), {}:", seed_, setting_.text, where) +
        describe(problems, steps, [&](size_t i) { return course_ ? course_->state_of(i) : ""; });
    if (options_.report) options_.report(text);
  }

  const uint64_t seed_;
  const FillSetting setting_;
  const FillRunOptions& options_;
  FillCounts& counts_;
  std::optional<ModelCourse> course_;
  int told_ = 0;
};

}  // namespace

void run_fill_workload(uint64_t seed, const FillRunOptions& options, FillCounts& counts) {
  FillRun(seed, options, counts).run();
}

}  // namespace butterfuse::crash
