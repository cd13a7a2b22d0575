// SPDX-License-Identifier: GPL-2.0-or-later
// FolioPool: slabs of address space, a stack of buffers with memory and one of buffers without.
//
//     take(whole)     warm_  all 32 pages in memory: no page fault, no zeroing by the kernel
//     take(few)       cold_  address space alone; each page comes with a fault when it is first touched
//
// A big sequential write takes and returns whole buffers all the time: from the warm stack that costs no
// system call. Of a small file the 31 pages that it does not have must not cost memory, so that it gets
// a cold one even where warm ones are at hand. What is neither wholly used nor wanted is given back to
// the system.
#include "core/cache/folio_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "core/base/assert.h"
#include "core/base/memory_reserve.h"

namespace butterfuse {

FolioBuffer& FolioBuffer::operator=(FolioBuffer&& other) noexcept {
  if (this == &other) return *this;
  reset();
  pool_ = std::exchange(other.pool_, nullptr);
  data_ = std::exchange(other.data_, nullptr);
  resident_ = std::exchange(other.resident_, 0);
  return *this;
}

void FolioBuffer::touch(PageMask pages) {
  const PageMask fresh = pages & ~resident_;
  if (fresh == 0) return;
  resident_ |= fresh;
  pool_->used_pages_ += static_cast<uint64_t>(std::popcount(fresh));
}

void FolioBuffer::discard(PageMask pages) {
  const PageMask gone = pages & resident_;
  for_each_run(gone, [&](unsigned first, unsigned end) {
    madvise(data_ + size_t{first} * kPageBytes, size_t{end - first} * kPageBytes, MADV_DONTNEED);
  });
  resident_ &= ~gone;
  pool_->used_pages_ -= static_cast<uint64_t>(std::popcount(gone));
}

void FolioBuffer::reset() {
  if (!data_) return;
  std::exchange(pool_, nullptr)->give_back(std::exchange(data_, nullptr), std::exchange(resident_, 0));
}

FolioPool::~FolioPool() {
  BF_ASSERT(in_use_ == 0, "{} folio buffers outlive their pool", in_use_.load());
  MutexLock lock(mutex_);
  for (const auto& [start, length] : slabs_) munmap(start, length);
}

FolioBuffer FolioPool::take(bool whole) {
  FolioBuffer buffer;
  MutexLock lock(mutex_);
  if (whole && !warm_.empty()) {
    buffer.data_ = warm_.back();
    warm_.pop_back();
    buffer.resident_ = kAllPages;
    used_pages_ += kPagesPerFolio;
  } else {
    if (cold_.empty()) add_slab();
    buffer.data_ = cold_.back();
    cold_.pop_back();
  }
  buffer.pool_ = this;
  ++in_use_;
  return buffer;
}

uint64_t FolioPool::warm_bytes() const {
  MutexLock lock(mutex_);
  return warm_.size() * kFolioBytes;
}

void FolioPool::give_back(std::byte* data, PageMask resident) {
  used_pages_ -= static_cast<uint64_t>(std::popcount(resident));
  --in_use_;
  if (resident == kAllPages) {
    MutexLock lock(mutex_);
    if (warm_.size() < warm_limit_) {
      warm_.push_back(data);
      return;
    }
  }
  if (resident != 0) madvise(data, kFolioBytes, MADV_DONTNEED);
  MutexLock lock(mutex_);
  cold_.push_back(data);
}

void FolioPool::add_slab() {
  // Not reserved: address space alone costs nothing.
  constexpr size_t kLength = kSlabBuffers * kFolioBytes;
  // Room for the return of all buffers, so that it can't fail.
  const size_t buffers = (slabs_.size() + 1) * kSlabBuffers;
  slabs_.reserve(slabs_.size() + 1);
  cold_.reserve(buffers);
  warm_.reserve(std::min<size_t>(buffers, warm_limit_));
  const auto map = [] {
    return mmap(nullptr, kLength, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  };
  void* start = map();
  // Whoever writes back must get its buffer: without memory it waits, and does not fail.
  for (; start == MAP_FAILED; start = map()) memory_reserve::make_room();
  // A huge page would make pages resident that nobody touched, and the budget would not see them.
  madvise(start, kLength, MADV_NOHUGEPAGE);
  slabs_.emplace_back(start, kLength);
  // The lowest addresses end on top of the stack.
  for (size_t i = kSlabBuffers; i-- > 0;) cold_.push_back(static_cast<std::byte*>(start) + i * kFolioBytes);
}

}  // namespace butterfuse
