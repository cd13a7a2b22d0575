// SPDX-License-Identifier: GPL-2.0-or-later
// TempDir: a directory of its own for one test, removed with all in it.
#pragma once

#include <string>

class TempDir {
 public:
  TempDir();  // below $TMPDIR or /tmp
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Makes (or truncates) a file of that many bytes, all hole.
void make_sparse_file(const std::string& path, unsigned long long bytes);

unsigned long long allocated_bytes(const std::string& path);
