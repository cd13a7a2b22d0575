// SPDX-License-Identifier: GPL-2.0-or-later
// FolioPool: recycles 128 KiB buffers and knows which of their pages occupy memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/mutex.h"
#include "core/cache/page.h"

namespace butterfuse {

class FolioPool;

// One 128 KiB buffer, returned to its pool by the destructor. Move-only. Address space for all 32 pages,
// memory only for those that were touched: a file of one page costs one page, not 32.
class FolioBuffer {
 public:
  FolioBuffer() = default;
  FolioBuffer(FolioBuffer&& other) noexcept { *this = std::move(other); }
  FolioBuffer& operator=(FolioBuffer&& other) noexcept;
  ~FolioBuffer() { reset(); }
  explicit operator bool() const { return data_ != nullptr; }

  std::byte* data() const { return data_; }
  MutableByteSpan bytes() const { return {data_, kFolioBytes}; }
  PageMask resident() const { return resident_; }
  // The pages are about to be written: counts their memory.
  void touch(PageMask pages);
  // The content of the pages is not needed: gives their memory back to the system.
  void discard(PageMask pages);
  void reset();

 private:
  friend class FolioPool;
  FolioPool* pool_ = nullptr;
  std::byte* data_ = nullptr;
  PageMask resident_ = 0;
};

// Thread-safe; its mutex is innermost. Outlives its buffers.
class FolioPool {
 public:
  // Keeps up to `warm_bytes` of free memory at hand for the next taker.
  explicit FolioPool(uint64_t warm_bytes) : warm_limit_(warm_bytes / kFolioBytes) {}
  ~FolioPool();
  FolioPool(const FolioPool&) = delete;
  FolioPool& operator=(const FolioPool&) = delete;

  // `whole`: most of the buffer will be used, so one that has its memory already is best.
  // Content is undefined.
  FolioBuffer take(bool whole);
  uint64_t used_pages() const { return used_pages_; }  // memory of buffers in use
  uint64_t buffers_in_use() const { return in_use_; }
  uint64_t warm_bytes() const;

 private:
  friend class FolioBuffer;
  // Mapped together, 8 MiB of address space: fewer system calls, and fewer of the kernel's areas, than one
  // by one.
  static constexpr size_t kSlabBuffers = 64;
  void give_back(std::byte* data, PageMask resident);
  void add_slab() BF_REQUIRES(mutex_);

  const size_t warm_limit_;
  std::atomic<uint64_t> used_pages_{0};
  std::atomic<uint64_t> in_use_{0};
  mutable Mutex mutex_;
  std::vector<std::byte*> warm_ BF_GUARDED_BY(mutex_);  // all pages resident
  std::vector<std::byte*> cold_ BF_GUARDED_BY(mutex_);  // no page resident
  std::vector<std::pair<void*, size_t>> slabs_ BF_GUARDED_BY(mutex_);
};

}  // namespace butterfuse
