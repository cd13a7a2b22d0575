// SPDX-License-Identifier: GPL-2.0-or-later
// A predecessor may still be writing: umount(2) of a FUSE mount returns before the daemon has ended. While
// its mount lives there is nothing to wait for.
//
// An attempt and a look take a while each, and in between whoever has the source may end. Of a daemon that
// ended during the look only its mount is seen, which then seems to be there for good. What counts is
// therefore what is seen twice, with an attempt in between that fails, too.
#include "core/device/source_wait.h"

#include <cerrno>
#include <chrono>
#include <thread>

#include "core/base/log.h"

namespace butterfuse {

namespace {

bool (*wait_is_interrupted)() = nullptr;

// Short enough that a script that unmounts and mounts again does not notice.
constexpr auto kPollInterval = std::chrono::milliseconds(50);
constexpr auto kQuietTime = std::chrono::seconds(3);  // what a predecessor may take without a word of ours
constexpr int kLookEvery = 10;  // polls: to see who has it means reading all mount tables

}  // namespace

int retry_while_busy(const std::string& path, uint32_t wait_ms, const SourceAttempt& attempt) {
  const auto begin = std::chrono::steady_clock::now();
  const auto deadline = begin + std::chrono::milliseconds(wait_ms);
  bool told = false;
  int code = attempt.run();
  for (int polls = 0; code == EBUSY && std::chrono::steady_clock::now() < deadline; ++polls) {
    if (polls % kLookEvery == 0 && attempt.is_for_good()) {
      code = attempt.run();
      if (code != EBUSY || attempt.is_for_good()) return code;
    }
    if (!told && std::chrono::steady_clock::now() > begin + kQuietTime) {
      log(LogLevel::info, "{}: in use by another process, waiting", path);
      told = true;
    }
    std::this_thread::sleep_for(kPollInterval);
    if (wait_is_interrupted != nullptr && wait_is_interrupted()) return EINTR;
    code = attempt.run();
  }
  return code;
}

void set_source_wait_interruption(bool (*interrupted)()) { wait_is_interrupted = interrupted; }

}  // namespace butterfuse
