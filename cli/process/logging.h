// SPDX-License-Identifier: GPL-2.0-or-later
// Logging: where messages of the engine go.
#pragma once

namespace butterfuse {

enum class LogTarget { terminal, system_log };

// Messages of level info (debug: when `verbose`) and above go to stderr or to syslog. Before threads start;
// calling it again only moves the target, at any time.
void start_logging(LogTarget target, bool verbose);
void move_log(LogTarget target);

}  // namespace butterfuse
