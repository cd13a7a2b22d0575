// SPDX-License-Identifier: GPL-2.0-or-later
// Interruption: SIGINT, SIGTERM and SIGHUP as a wish that programs look at where they can stop.
#pragma once

namespace butterfuse {

class Interruption {
 public:
  // From now on these signals end nothing by themselves, but end what waits (EINTR). One that the caller
  // ignores (nohup, background jobs) stays ignored.
  static void watch();
  static bool requested();
};

}  // namespace butterfuse
