// SPDX-License-Identifier: GPL-2.0-or-later
// Calls: system calls of one thread, each traced, put into the model, and held to its promise.
#pragma once

#include <functional>
#include <string>

#include "tests/seams/life.h"

namespace butterfuse::seams {

// A file that is worked on.
struct Target {
  std::string name;  // in the trace
  FileModel* model = nullptr;
  int fd = -1;
};

class Calls {
 public:
  Calls(Life& life, int thread);
  virtual ~Calls() = default;
  // Call after call, until the life is over or, if it ends with an unmount, enough were made.
  void run();

 protected:
  virtual void step() = 0;
  virtual void close_all() = 0;

  struct Called {
    long result = 0;  // of the call, or -errno
    uint64_t begun = 0;
    bool ok() const { return result >= 0; }
  };
  // Throws Over when the daemon is gone; the call may have done something then.
  Called call(std::string text, const std::function<long()>& f);
  // The change of a call has ended, with this result for the bytes it was of. Failing for want of space is
  // all right where the file system may be full.
  void end_change(FileModel& model, const Pending& pending, const Called& called);
  void end_resize(FileModel& model, const Pending& pending, const Called& called);
  // A call that must work failed.
  void check(const Called& called, const std::string& what);
  bool may_fail_for_space(const Called& called) const;

  // write(2) at an offset; `append`: the descriptor does that by itself.
  void write(const Target& target, uint64_t offset, std::string bytes, const char* how, bool append = false,
             bool durable = false);
  void resize(const Target& target, uint64_t size);
  void copy(const Target& from, uint64_t from_offset, const Target& to, uint64_t to_offset, uint64_t length);
  void read(const Target& target, Range range, const char* how);
  // What the caller is shown is what it is.
  void compare(const Target& target, Range range, const std::string& found, const char* how);
  // A write that failed may have changed some of its bytes, or all: what they are now holds.
  void take_what_is_there(const Target& target, const Pending& pending);
  void commit();
  void chattr(const Target& target);
  bool loose_writes() const { return life_.setting.writeback_cache; }
  // Up to when changes of the size count as durable, if the call's own range is now.
  uint64_t size_time(const Pending& pending, const Called& called, uint64_t now) const;
  // A promise was given: where the life is to end behind one, it does.
  void promised();

  Life& life_;
  const int thread_;
  Random random_;
  uint64_t stamp_ = 0;  // of the bytes to write

 private:
  void note_end();
  int calls_ = 0;
};

// 0, or -errno: what f returned, with errno where that is -1.
long or_errno(long result);
// As or_errno; as long as the call is interrupted it is made again, as programs do it.
long repeated(const std::function<long()>& f);

}  // namespace butterfuse::seams
