// SPDX-License-Identifier: GPL-2.0-or-later
// Background: a process that leaves the terminal only once it works.
#pragma once

#include <string_view>
#include <utility>

#include "cli/process/exit_codes.h"
#include "core/base/result.h"

namespace butterfuse {

// start() forks. The parent waits there and exits with 0 after report_live(); else with the line given to
// fail(), or one of its own when the child dies silently, and the child's exit status, after the child has
// ended. SIGINT, SIGTERM and SIGHUP to the parent go to the child as SIGTERM: when the parent is gone, so is
// a child that was not live. The child goes on, with these signals blocked (block_ending_signals). Call it
// before any thread is started.
class Background {
 public:
  // `codes`: the parent's exit status after such a signal, and where the child says nothing of its own.
  static Result<Background> start(const ExitCodes& codes);
  Background(Background&& other) noexcept
      : pipe_(std::exchange(other.pipe_, -1)), null_(std::exchange(other.null_, -1)) {}
  ~Background();

  // Opens what report_live needs, which can't once the process is in its sandbox;
  // lets go of the working directory.
  void prepare();
  // The parent exits with 0; this process lets go of the terminal. False: the parent has died, nobody was
  // told. REQUIRES prepare().
  bool report_live();
  bool is_live() const { return pipe_ < 0; }
  // The parent has died before anything was reported.
  bool is_abandoned() const;
  // The parent prints the line, and exits as this process does. No effect after report_live().
  void fail(std::string_view line);

 private:
  explicit Background(int pipe) : pipe_(pipe) {}
  int pipe_;
  int null_ = -1;
};

}  // namespace butterfuse
