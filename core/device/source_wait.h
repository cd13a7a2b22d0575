// SPDX-License-Identifier: GPL-2.0-or-later
// SourceWait: waiting for a source that somebody has who is about to end, and the end of that.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace butterfuse {

// What is tried, and whether there is anything to wait for.
struct SourceAttempt {
  std::function<int()> run;  // 0, or an errno; EBUSY: somebody has it
  // Asked after EBUSY, now and then: who has it won't end by itself. Believed when it says so twice, before
  // and behind another attempt.
  std::function<bool()> is_for_good;
};

// Runs the attempt until it returns something else than EBUSY, for `wait_ms` at most, and returns what it
// returned last. After a few seconds a line of the log says that `path` is waited for.
int retry_while_busy(const std::string& path, uint32_t wait_ms, const SourceAttempt& attempt);

// Who waits asks `interrupted` meanwhile: true ends the wait with EINTR. Of the whole process, as signals
// are; null: nothing ends it before its time. Before threads start.
void set_source_wait_interruption(bool (*interrupted)());

}  // namespace butterfuse
