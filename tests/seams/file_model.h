// SPDX-License-Identifier: GPL-2.0-or-later
// FileModel: what a file holds, and what a crash may leave of it.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "tests/seams/history.h"

namespace butterfuse::seams {

struct Range {
  uint64_t start = 0, end = 0;  // [start, end)
  uint64_t length() const { return end > start ? end - start : 0; }
};

// The bytes of one block that belong to one zone. Only the zone's thread changes them, one call after the
// other, so that a crash leaves what they were after one of these calls: all of that, not a mixture.
struct Atom {
  // Which changes of the file's size a version stands and falls with.
  enum class Bond {
    none,
    cut,    // the file was made shorter: what it held behind is never seen again
    growth  // the file grew by these bytes: a size on disk that covers them says that they are there
  };
  struct Version {
    std::string bytes;  // of the whole atom; empty: zeros
    uint64_t ended = kUnended;
    // Stored where the daemon does not see it: in a mapping, or in the kernel's writeback cache. Each byte
    // may then be older or newer by itself.
    bool loose = false;
    Bond bond = Bond::none;
    uint64_t size_step = 0;   // number of the step in the size's history that it is bound to
    uint64_t cut_at = 0;      // the size, of a cut
    uint64_t grown_from = 0;  // the size before, of a growth
  };
  uint64_t start = 0;
  uint32_t length = 0;
  std::vector<Version> versions;  // first the durable one

  void forget(size_t count) {
    versions.erase(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(count));
  }
};

struct Size {
  uint64_t bytes = 0;
  bool by_writing = false;  // else it was set
};

// A change that has begun. What is in it the caller does not touch.
struct Pending {
  Range range = {};
  std::string before = {}, after = {};  // of the range
  uint64_t old_size = 0, new_size = 0;
  bool loose = false, resizes = false;
  Atom::Bond bond = Atom::Bond::none;
};

// A file is divided into zones; each is changed by one thread. The last one has the end of the file, and all
// behind it: its thread alone changes the size. All members may be called from any thread.
class FileModel {
 public:
  // `borders`: where zones begin; the first is 0. The content is durable. `capacity`:
  // the most it may grow to.
  FileModel(std::vector<uint64_t> borders, uint64_t capacity, const std::string& content);

  size_t zones() const { return borders_.size(); }
  Range zone(size_t number) const;  // the last one ends at the capacity
  uint64_t capacity() const { return capacity_; }
  uint64_t size() const;
  std::string expected(Range range) const;  // up to the size

  // A change begins: from now on a crash may leave it. It may make the file longer if it is of the last zone.
  Pending begin_write(uint64_t offset, std::string bytes, bool loose);
  // The range reads as zeros from now on; `grows`: the file reaches to its end.
  Pending begin_clear(Range range, bool grows = false);
  Pending begin_resize(uint64_t size);
  void end(const Pending& pending, Clock& clock);
  // Only the first `done` bytes of its range were changed; 0: nothing was. A resize is done or not.
  void end_after(const Pending& pending, uint64_t done, Clock& clock);

  // What had ended before `time` is durable, in the atoms that `range` touches; and the size, as it was
  // before `size_time`.
  void promise(Range range, uint64_t time, uint64_t size_time);
  void promise_all(uint64_t time) { promise({0, capacity_}, time, time); }
  // The same for the file's bytes that the daemon has, when it was asked and not the kernel.
  void promise_what_daemon_has(uint64_t time, bool size);

  // What is wrong with the content after a crash; empty: nothing. `ordered`: the size on disk covers no bytes
  // that are not there, when the file grew by writing.
  std::string problem(const std::string& found, bool ordered) const;
  // From here on, this is what the file is, and it is durable.
  void adopt(const std::string& found);
  // Its versions around `offset`, and those of the size, for a report.
  std::string describe(uint64_t offset) const;

 private:
  void add_versions(const Pending& pending, const std::string& bytes, uint64_t ended);
  void note_size(uint64_t size, bool by_writing, uint64_t ended);
  template <class F>
  void for_atoms(Range range, F&& f);
  std::string read(Range range) const;
  std::string describe_locked(uint64_t offset) const;
  // What a crash may have left of an atom, oldest first, when the size on disk is (`exact`) that of this
  // step, or on its way there.
  std::vector<Atom::Version> allowed(const Atom& atom, size_t size_step, bool exact, bool ordered,
                                     uint64_t found_size) const;
  std::string problem_with_size(const std::string& found, size_t size_step, bool exact, bool ordered) const;

  const std::vector<uint64_t> borders_;
  const uint64_t capacity_;
  mutable std::mutex mutex_;
  std::vector<Atom> atoms_;  // in file order
  History<Size> size_;
};

}  // namespace butterfuse::seams
