// Background: a process that leaves the terminal only once it works.
#pragma once

#include <string_view>
#include <utility>

#include "core/base/result.h"

namespace butterfuse {

// start() forks. The parent waits there and exits with what the child reports: 0 for report_live(), or 1 with
// the line given to fail(), or with a line of its own when the child dies silently. The child goes on. Call
// it before any thread is started.
class Background {
 public:
  static Result<Background> start();
  Background(Background&& other) noexcept : pipe_(std::exchange(other.pipe_, -1)) {}
  ~Background();

  // The parent exits with 0; this process lets go of terminal and working directory.
  void report_live();
  bool is_live() const { return pipe_ < 0; }
  // The parent prints the line and exits with 1. No effect after report_live().
  void fail(std::string_view line);

 private:
  explicit Background(int pipe) : pipe_(pipe) {}
  int pipe_;
};

}  // namespace butterfuse
