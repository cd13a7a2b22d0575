// SPDX-License-Identifier: GPL-2.0-or-later
// Mapping: copies that SIGBUS ends early.
#include "tests/seams/mapping.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace butterfuse::seams {
namespace {

constexpr uint64_t kPage = 4096;

thread_local sigjmp_buf* volatile bus_error_exit = nullptr;

void on_bus_error(int) {
  if (bus_error_exit == nullptr) abort();
  siglongjmp(*bus_error_exit, 1);
}

bool guarded_copy(char* to, const char* from, size_t length) {
  sigjmp_buf exit;
  if (sigsetjmp(exit, 1) != 0) {
    bus_error_exit = nullptr;
    return false;
  }
  bus_error_exit = &exit;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::memcpy(to, from, length);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  bus_error_exit = nullptr;
  return true;
}

}  // namespace

void Mapping::catch_bus_errors() {
  struct sigaction action {};
  action.sa_handler = on_bus_error;
  sigaction(SIGBUS, &action, nullptr);
}

int Mapping::map(int fd, uint64_t length) {
  unmap();
  void* const base = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return errno;
  base_ = static_cast<char*>(base);
  length_ = length;
  return 0;
}

void Mapping::unmap() {
  if (base_ != nullptr) munmap(base_, length_);
  base_ = nullptr;
}

bool Mapping::store(uint64_t offset, const std::string& bytes) {
  return guarded_copy(base_ + offset, bytes.data(), bytes.size());
}

bool Mapping::load(uint64_t offset, std::string& bytes) const {
  return guarded_copy(bytes.data(), base_ + offset, bytes.size());
}

int Mapping::sync(uint64_t start, uint64_t end) {
  start = start / kPage * kPage;
  return msync(base_ + start, end - start, MS_SYNC) == 0 ? 0 : errno;
}

}  // namespace butterfuse::seams
