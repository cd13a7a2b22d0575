// SPDX-License-Identifier: GPL-2.0-or-later
// check_unused: who is about to end is waited for, whichever way the source is named.
#include "core/device/source_use.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "core/device/block_device.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_dir.h"

namespace butterfuse::source_use_test {
namespace {

struct LoopDevice {
  TempDir dir;
  std::string image = dir / "image", path;
  LoopDevice() {
    make_sparse_file(image, 8 << 20);
    const CommandResult made = run_command({"losetup", "--find", "--show", image});
    if (made.ok()) path = made.output.substr(0, made.output.find('\n'));
  }
  ~LoopDevice() {
    if (!path.empty()) run_command({"losetup", "--detach", path});
  }
};

// Who has `held` locked ends after 200 ms.
void check_waited_for(const std::string& held, const std::string& wanted) {
  CAPTURE(held, wanted);
  auto first = open_file_device(held, {.lock_wait_ms = 0});
  REQUIRE(first);
  const Status refused = check_unused(wanted, OpenMode::read_write, {}, 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EBUSY);
  CHECK(find_source_use(wanted)->may_end_soon);
  std::thread ender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    first->reset();
  });
  CHECK(check_unused(wanted, OpenMode::read_write, {}, 10'000));
  ender.join();
}

}  // namespace

TEST_CASE("a lock below or above a loop device is waited for, as one on the source itself is") {
  if (!running_as_root()) {
    WARN("SKIP: needs root for a loop device");
    return;
  }
  const LoopDevice loop;
  if (loop.path.empty()) {
    WARN("SKIP: no loop device");
    return;
  }
  check_waited_for(loop.image, loop.path);
  check_waited_for(loop.path, loop.image);
}

}  // namespace butterfuse::source_use_test
