// SPDX-License-Identifier: GPL-2.0-or-later
// printed: what a piece of code says on standard output and error, together.
#pragma once

#include <string>

#include "cli/process/standard_streams.h"
#include "fs/session/captured_output.h"

// No assertions of Catch in `body`: they would be part of it.
template <class Body>
std::string printed(Body body) {
  butterfuse::CapturedOutput captured;
  body();
  (void)butterfuse::StandardStreams::write_error();  // what is buffered
  return captured.end();
}
