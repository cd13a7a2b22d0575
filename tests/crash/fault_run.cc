// SPDX-License-Identifier: GPL-2.0-or-later
// FaultRun: counting what there is to fail, and failing it.
#include "tests/crash/fault_run.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <optional>

#include "core/device/memory_device.h"
#include "tests/crash/failing_new.h"
#include "tests/crash/judge.h"
#include "tests/support/mkfs_image.h"

namespace butterfuse::crash {
namespace {

// A write that failed is told, but not undone where it was written over: old and new bytes may share a block.
constexpr size_t kByte = 1;
constexpr FaultOperation kKinds[] = {FaultOperation::read, FaultOperation::write, FaultOperation::flush};
constexpr const char* kKindNames[] = {"read", "write", "flush"};

struct Fault {
  size_t device = 0;
  FaultOperation operation = FaultOperation::read;
  uint64_t nth = 0;  // 0: none
  bool forever = false;
  FaultManner manner = FaultManner::clean;
  int code = EIO;
  bool of_memory = false;  // an allocation of the thread that makes the operations fails, no device
  std::string to_text() const {
    if (of_memory) return fmt::format("allocation {} fails", nth);
    static constexpr const char* kManners[] = {"fails", "is half done and fails", "has a bit flipped"};
    return fmt::format("device {}: {} {} {}{} ({})", device, kKindNames[static_cast<int>(operation)], nth,
                       kManners[static_cast<int>(manner)], forever ? " and all behind" : "",
                       code == ENOSPC ? "ENOSPC" : "EIO");
  }
};

class FaultRun {
 public:
  FaultRun(uint64_t seed, const FaultRunOptions& options, FaultCounts& counts)
      : seed_(seed), setting_(seed), options_(options), counts_(counts) {}

  void run() {
    const Disks fresh = setting_.make_disks();
    uint64_t allocations = 0;
    for (size_t device = 0; device < fresh.size(); ++device) {
      const Faults healthy = attempt(fresh, {.device = device});
      if (device == 0) allocations = FailingNew::count();
      for (const FaultOperation operation : kKinds) {
        const uint64_t total = healthy.at(operation);
        const uint64_t stride = std::max<uint64_t>(1, total * fresh.size() / options_.points_per_operation);
        for (uint64_t nth = 1 + seed_ % stride; nth <= total; nth += stride) {
          if (options_.stop && options_.stop()) return;
          ++counts_.points;
          attempt(fresh, fault_of(device, operation, nth, counts_.points));
        }
      }
    }
    const uint64_t stride = std::max<uint64_t>(1, allocations / options_.points_per_operation);
    for (uint64_t nth = 1 + seed_ % stride; nth <= allocations; nth += stride) {
      if (options_.stop && options_.stop()) return;
      ++counts_.points;
      attempt_in_child(fresh, {.nth = nth, .code = ENOMEM, .of_memory = true});
    }
  }

 private:
  static constexpr int kEnded = 64;
  static constexpr unsigned kSecondsMax = 60;
  using Faults = std::map<FaultOperation, uint64_t>;

  // Each point in turn fails otherwise. Without checksums nobody can tell a flipped bit.
  Fault fault_of(size_t device, FaultOperation operation, uint64_t nth, uint64_t point) const {
    Fault fault{device, operation, nth, point % 2 == 0};
    const bool summed = setting_.options.find("nodatacow") == std::string::npos;
    if (operation == FaultOperation::read && point % 3 == 0 && summed) fault.manner = FaultManner::bit_flip;
    if (operation == FaultOperation::write && point % 3 == 0) fault.manner = FaultManner::partial;
    if (operation == FaultOperation::write && point % 5 == 0) fault.code = ENOSPC;
    return fault;
  }

  // Without memory the process may end, but neither hang nor break an invariant.
  void attempt_in_child(const Disks& fresh, const Fault& fault) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
      alarm(kSecondsMax);
      std::set_terminate(end_without_memory);
      counts_ = {};
      attempt(fresh, fault);
      std::fflush(stdout);
      _exit(static_cast<int>(counts_.met | counts_.told << 1 | counts_.violations << 2));
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kEnded) {
      ++counts_.met, ++counts_.ended;
    } else if (WIFEXITED(status)) {
      counts_.met += WEXITSTATUS(status) & 1;
      counts_.told += WEXITSTATUS(status) >> 1 & 1;
      counts_.violations += WEXITSTATUS(status) >> 2 & 1;
    } else {
      ++counts_.violations;
      if (options_.report)
        options_.report(fmt::format("workload {} ({}), {}: {}", seed_, setting_.text, fault.to_text(),
                                    WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status))));
    }
  }

  [[noreturn]] static void end_without_memory() {
    // It met noexcept on its way.
    if (std::uncaught_exceptions() > 0 && !std::current_exception()) _exit(kEnded);
    try {
      std::rethrow_exception(std::current_exception());
    } catch (const std::bad_alloc&) {
      _exit(kEnded);
    } catch (...) {
    }
    std::abort();
  }

  // Returns what the device of the fault was asked while mounted.
  Faults attempt(const Disks& fresh, const Fault& fault) {
    problems_.clear();
    Disks disks;
    for (const auto& disk : fresh) disks.push_back(std::make_shared<MemoryDevice>(disk));
    auto faulty = std::make_shared<FaultDevice>(disks[fault.device]);
    Disks given = disks;
    given[fault.device] = faulty;
    auto mount = must(Mount::open(share(given), setting_.mount_options()));
    const Faults before = counts_of(*faulty);
    Trace trace;
    Workload workload(*mount, trace, seed_);
    FailingNew::restart(fault.of_memory ? fault.nth : 0);
    if (fault.nth != 0 && !fault.of_memory)
      faulty->fail_nth(fault.operation, fault.nth, fault.code, fault.forever, fault.manner);
    WorkloadShape shape = setting_.shape;
    shape.may_fill = fault.code != ENOSPC;
    Status told = workload.run(shape);
    const bool made_up_for = !fault.of_memory && setting_.one_device_may_fail();
    const bool can_read =
        fault.nth == 0 || fault.of_memory || fault.operation != FaultOperation::read || made_up_for;
    if (auto tree = find_tree(*mount); !tree && can_read)
      problems_.push_back("reading on: " + tree.error().message);
    if (Status closed = mount->close(); told && !closed) told = closed;
    if (made_up_for && !told)
      problems_.push_back("told, although the other devices have copies: " + told.error().message);
    mount.reset();
    Faults asked = counts_of(*faulty);
    for (auto& [operation, count] : asked) count -= before.at(operation);
    faulty.reset(), given.clear();
    compare(disks, workload, made_up_for && fault.nth != 0 ? std::optional(fault.device) : std::nullopt);
    if (fault.nth == 0 && !told) problems_.push_back("without a fault: " + told.error().message);
    note(fault, workload, told,
         (fault.of_memory ? FailingNew::count() : asked[fault.operation]) >= fault.nth);
    return asked;
  }

  static Faults counts_of(const FaultDevice& device) {
    Faults counts;
    for (const FaultOperation operation : kKinds) counts[operation] = device.count(operation);
    return counts;
  }

  // Without the device that failed all is there, and with it as well.
  void compare(const Disks& disks, const Workload& workload, std::optional<size_t> without) {
    Model model(workload.root());
    for (const Step& step : workload.steps()) {
      model.apply(step.change);
      if (step.ended != UINT64_MAX) model.acknowledge(step.change);
    }
    if (without) {
      Disks others = disks;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(*without));
      for (std::string& problem : mount_and_compare(share(others), setting_, model, kByte, true))
        problems_.push_back("degraded: " + std::move(problem));
    }
    for (auto&& found : {mount_and_compare(share(disks), setting_, model, kByte), check_all(share(disks))})
      problems_.insert(problems_.end(), found.begin(), found.end());
  }

  void note(const Fault& fault, const Workload& workload, const Status& told, bool met) {
    if (fault.nth != 0) {
      counts_.met += met;
      counts_.told += met && !told;
    }
    if (problems_.empty()) return;
    ++counts_.violations;
    const auto& steps = workload.steps();
    const std::string text =
        fmt::format("workload {} ({}), {}; told: {}", seed_, setting_.text, fault.to_text(),
                    told ? std::string("nothing") : told.error().message) +
        describe(problems_, steps, [&](size_t i) { return steps[i].ended == UINT64_MAX ? " (failed)" : ""; });
    if (options_.report) options_.report(text);
  }

  const uint64_t seed_;
  const Setting setting_;
  const FaultRunOptions& options_;
  FaultCounts& counts_;
  std::vector<std::string> problems_;  // of the run under way
};

}  // namespace

void run_fault_workload(uint64_t seed, const FaultRunOptions& options, FaultCounts& counts) {
  FaultRun(seed, options, counts).run();
}

}  // namespace butterfuse::crash
