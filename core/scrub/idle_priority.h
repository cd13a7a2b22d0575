// SPDX-License-Identifier: GPL-2.0-or-later
// IdlePriority: while it lives, the calling thread's I/O gives way to everybody else's.
#pragma once

namespace butterfuse {

// Best effort: where the kernel refuses, priority stays as it is. Ends on the thread that made it.
class IdlePriority {
 public:
  IdlePriority();
  ~IdlePriority();
  IdlePriority(const IdlePriority&) = delete;

 private:
  int old_ = -1;
};

}  // namespace butterfuse
