// IdlePriority: while it lives, the calling thread's I/O gives way to everybody else's.
#pragma once

namespace butterfuse {

// Best effort: where the kernel refuses, priority stays as it is.
class IdlePriority {
 public:
  IdlePriority();
  ~IdlePriority();
  IdlePriority(const IdlePriority&) = delete;

 private:
  int old_ = -1;
};

}  // namespace butterfuse
