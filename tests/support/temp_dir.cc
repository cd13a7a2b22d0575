// SPDX-License-Identifier: GPL-2.0-or-later
// TempDir over mkdtemp, and sparse files in it.
#include "tests/support/temp_dir.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/tmp") + "/butterfuse-test-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void make_sparse_file(const std::string& path, unsigned long long bytes) {
  std::ofstream(path, std::ios::trunc).close();
  std::filesystem::resize_file(path, bytes);
}

unsigned long long allocated_bytes(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) throw std::runtime_error("cannot stat " + path);
  return static_cast<unsigned long long>(info.st_blocks) * 512;
}
