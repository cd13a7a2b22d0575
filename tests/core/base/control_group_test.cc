// SPDX-License-Identifier: GPL-2.0-or-later
// Control groups: limits are seen from inside the group that has them, and from a group below.
#include "core/base/control_group.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/run_command.h"

namespace butterfuse::control_group_test {
namespace {

namespace fs = std::filesystem;

// A group with a group in it, of version 1 or 2 as this machine has it; gone at the end.
class Groups {
 public:
  Groups(const char* controller, const char* probe_2, const char* probe_1) {
    const std::string name = "butterfuse-test-" + std::to_string(::getpid());
    for (const fs::path& top : {fs::path("/sys/fs/cgroup"), fs::path("/sys/fs/cgroup") / controller}) {
      std::error_code error;
      outer_ = top / name;
      if (!fs::create_directory(outer_, error)) continue;
      for (const char* probe : {probe_2, probe_1})
        if (fs::exists(outer_ / probe)) limit_ = outer_ / probe;
      if (!limit_.empty() && fs::create_directory(outer_ / "inner", error)) return;
      fs::remove(outer_, error);
      limit_.clear();
    }
  }
  ~Groups() {
    std::error_code error;
    fs::remove(outer_ / "inner", error);
    fs::remove(outer_, error);
  }
  bool there() const { return !limit_.empty(); }
  void limit(const std::string& text) { std::ofstream(limit_) << text << std::flush; }
  // What `fact` is for a process of the inner group.
  template <class Fact>
  bool holds_inside(Fact fact) const {
    const pid_t child = ::fork();
    if (child == 0) {
      std::ofstream(outer_ / "inner" / "cgroup.procs") << ::getpid() << std::flush;
      ::_exit(fact() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  fs::path outer_, limit_;
};

}  // namespace

TEST_CASE("a quota of processor time is seen from the group below") {
  Groups groups("cpu", "cpu.max", "cpu.cfs_quota_us");
  if (!groups.there()) {
    WARN("SKIP: no control group for processor time can be made here");
    return;
  }
  const bool outside = processor_time_is_limited();
  CHECK(groups.holds_inside([&] { return processor_time_is_limited() == outside; }));
  groups.limit("50000");
  CHECK(groups.holds_inside(processor_time_is_limited));
}

TEST_CASE("a limit of memory is seen from the group below") {
  Groups groups("memory", "memory.max", "memory.limit_in_bytes");
  if (!groups.there()) {
    WARN("SKIP: no control group for memory can be made here");
    return;
  }
  constexpr uint64_t kLimit = 512u << 20;
  groups.limit(std::to_string(kLimit));
  CHECK(groups.holds_inside([] { return control_group_memory_bytes() == kLimit; }));
}

}  // namespace butterfuse::control_group_test
