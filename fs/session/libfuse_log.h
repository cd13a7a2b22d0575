// SPDX-License-Identifier: GPL-2.0-or-later
// LibfuseLog: what libfuse says, as part of our errors or as lines of our log.
#pragma once

#include <string>

namespace butterfuse {

// Until log_libfuse(): the last thing that libfuse complained of is kept, and nothing is printed. Starts
// empty. Not thread-safe, for the time before requests are answered.
void keep_complaints_of_libfuse();
const std::string& last_complaint_of_libfuse();
// From here on its lines, which may have names in them (in debug mode), go to the log,
// where they are escaped.
void log_libfuse();

}  // namespace butterfuse
