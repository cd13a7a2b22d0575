// SPDX-License-Identifier: GPL-2.0-or-later
// FailingNew: the replaced operators. What they give comes from malloc and goes back to free.
#include "tests/crash/failing_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace butterfuse::crash {
namespace {

struct Counter {
  int depth = 0;  // of FailingNew objects
  uint64_t count = 0;
  uint64_t fail_at = 0;
};
thread_local Counter counter;

void* allocate(size_t size, size_t alignment) {
  if (counter.depth > 0 && ++counter.count == counter.fail_at) return nullptr;
  if (size == 0) size = 1;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(size_t size, size_t alignment) {
  if (void* memory = allocate(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

FailingNew::FailingNew() { ++counter.depth; }
FailingNew::~FailingNew() { --counter.depth; }
void FailingNew::restart(uint64_t fail_at) { counter.count = 0, counter.fail_at = fail_at; }
uint64_t FailingNew::count() { return counter.count; }

}  // namespace butterfuse::crash

using butterfuse::crash::allocate;
using butterfuse::crash::allocate_or_throw;

void* operator new(size_t size) { return allocate_or_throw(size, 1); }
void* operator new[](size_t size) { return allocate_or_throw(size, 1); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return allocate(size, 1); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return allocate(size, 1); }
void* operator new(size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
