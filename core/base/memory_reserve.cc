// SPDX-License-Identifier: GPL-2.0-or-later
// The memory reserve: a mapping, given up by the new-handler.
// A mapping, and not a block of the heap: given back, it is the whole system's, and malloc can map it anew
// for any size.
#include "core/base/memory_reserve.h"

#include <sys/mman.h>

#include <atomic>
#include <new>

namespace butterfuse::memory_reserve {
namespace {

std::atomic<size_t> size_bytes = 0;
std::atomic<void*> held = nullptr;

bool take() {
  void* memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  void* nothing = nullptr;
  if (!held.compare_exchange_strong(nothing, memory))
    munmap(memory, size_bytes);  // another thread was faster
  return true;
}

// Allocates nothing.
void give_up() {
  void* memory = held.exchange(nullptr);
  if (memory == nullptr) throw std::bad_alloc();
  munmap(memory, size_bytes);
}

}  // namespace

void keep(size_t bytes) {
  size_bytes = bytes;
  take();
  std::set_new_handler(give_up);
}

bool is_used() { return size_bytes != 0 && held == nullptr; }

bool restore() { return !is_used() || take(); }

void make_room() {
  if (const std::new_handler handler = std::get_new_handler()) {
    handler();
  } else {
    throw std::bad_alloc();
  }
}

}  // namespace butterfuse::memory_reserve
