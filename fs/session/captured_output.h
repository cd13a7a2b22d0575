// SPDX-License-Identifier: GPL-2.0-or-later
// CapturedOutput: what the programs that libfuse starts say, instead of them keeping our standard streams.
#pragma once

#include <string>

namespace butterfuse {

// While it lives, standard input is empty, and standard output and error go into memory. A program that stays
// then holds nothing of the caller's. Not thread-safe; where there is no memory for it all stays as it was.
class CapturedOutput {
 public:
  CapturedOutput();
  ~CapturedOutput() { (void)end(); }
  CapturedOutput(const CapturedOutput&) = delete;
  // Puts the streams back. What was written meanwhile.
  std::string end();

 private:
  int memory_ = -1;
  int saved_[3] = {-1, -1, -1};
};

}  // namespace butterfuse
