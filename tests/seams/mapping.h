// SPDX-License-Identifier: GPL-2.0-or-later
// Mapping: a shared mapping of a file, whose pages may go away with the daemon.
#pragma once

#include <cstdint>
#include <string>

namespace butterfuse::seams {

class Mapping {
 public:
  Mapping() = default;
  ~Mapping() { unmap(); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  // Of the file's bytes [0, length), which may be more than it has. 0 or an errno.
  int map(int fd, uint64_t length);
  void unmap();
  bool is_mapped() const { return base_ != nullptr; }
  // False: the kernel could not bring a page (SIGBUS). REQUIRES that the range is mapped,
  // and below the file's end.
  bool store(uint64_t offset, const std::string& bytes);
  bool load(uint64_t offset, std::string& bytes) const;
  // msync(MS_SYNC); 0 or an errno.
  int sync(uint64_t start, uint64_t end);

  // Once, before the first mapping.
  static void catch_bus_errors();

 private:
  char* base_ = nullptr;
  uint64_t length_ = 0;
};

}  // namespace butterfuse::seams
