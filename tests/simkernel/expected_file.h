// SPDX-License-Identifier: GPL-2.0-or-later
// ExpectedFile: what a file holds by POSIX, what it held before, and what was promised of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace butterfuse::simkernel {

// Times are numbers of the trace's counter. Content is that of the programs' view: a store through a mapping
// counts from when it was made, written back or not.
class ExpectedFile {
 public:
  ExpectedFile(uint64_t ino, std::string content);  // durable

  uint64_t ino() const { return ino_; }
  const std::string& content() const { return versions_.back().content; }
  // A change begins: from now on its bytes may be seen. The number is for end().
  size_t begin(uint64_t time, std::string content);
  void end(size_t change, uint64_t time) { versions_[change].ended = time; }
  // What ended before `begun` is durable in [first, last) from `ended` on, and the file is as long as that
  // needs, if `with_size`.
  void promise(uint64_t begun, uint64_t ended, uint64_t first, uint64_t last, bool with_size);

  // What is wrong with what a mount shows after a crash at `time`; empty: nothing.
  std::string problem_after_crash(const std::string& found, uint64_t time) const;
  // The same of what a program read at `offset` between two times; a short read ends at the file's end.
  std::string problem_of_read(const std::string& found, uint64_t offset, uint64_t wanted, uint64_t begun,
                              uint64_t ended) const;
  std::string problem_of_size(uint64_t size, uint64_t begun, uint64_t ended) const;

 private:
  struct Version {
    uint64_t begun = 0, ended = UINT64_MAX;
    std::string content;
  };
  struct Promise {
    uint64_t ended = 0, first = 0, last = 0;
    size_t version = 0;  // this one or later
    bool with_size = true;
  };
  size_t ended_before(uint64_t time) const;  // the last version of which, and of all before it, that is true
  size_t begun_before(uint64_t time) const;  // the last one
  std::string describe(uint64_t offset, char found, size_t from, size_t to) const;

  uint64_t ino_;
  std::vector<Version> versions_;
  std::vector<Promise> promises_;
};

}  // namespace butterfuse::simkernel
