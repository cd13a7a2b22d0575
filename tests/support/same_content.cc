// SPDX-License-Identifier: GPL-2.0-or-later
// same_content by SEEK_DATA: what is a hole in both is the same.
#include "tests/support/same_content.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace {

constexpr off_t kPiece = 1 << 20;

class OpenedFile {
 public:
  explicit OpenedFile(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenedFile() {
    if (fd_ >= 0) close(fd_);
  }
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;

  off_t size() const { return lseek(fd_, 0, SEEK_END); }  // -1: it can't be opened
  off_t next_data(off_t from, off_t size) const {
    const off_t data = lseek(fd_, from, SEEK_DATA);
    if (data >= 0) return data;
    return errno == ENXIO ? size : from;  // only holes; or nobody can say: then all is read
  }
  // Empty when not all of it can be read.
  std::vector<char> read(off_t from, off_t length) const {
    std::vector<char> bytes(static_cast<size_t>(length));
    return pread(fd_, bytes.data(), bytes.size(), from) == length ? bytes : std::vector<char>();
  }

 private:
  const int fd_;
};

}  // namespace

bool same_content(const std::string& path, const std::string& other) {
  const OpenedFile one(path), two(other);
  const off_t size = one.size();
  if (size < 0 || size != two.size()) return false;
  for (off_t at = 0; at < size; at += kPiece) {
    at = std::min(one.next_data(at, size), two.next_data(at, size));
    const off_t length = std::min(kPiece, size - at);
    if (length <= 0) break;
    const std::vector<char> bytes = one.read(at, length);
    if (bytes.empty() || bytes != two.read(at, length)) return false;
  }
  return true;
}
