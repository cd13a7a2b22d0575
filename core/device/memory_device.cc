// MemoryDevice: pages of 4 KiB that were written, over zeros or another device.
#include "core/device/memory_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/byte_range.h"

namespace butterfuse {

namespace {

// Calls piece(page_number, offset_in_page, position_in_buffer, length) for each page that the range touches.
template <class Function>
Status for_each_page(uint64_t offset, uint64_t length, uint64_t page_bytes, Function&& piece) {
  for (uint64_t done = 0; done < length;) {
    uint64_t in_page = (offset + done) % page_bytes;
    uint64_t step = std::min(page_bytes - in_page, length - done);
    BF_TRY(piece((offset + done) / page_bytes, in_page, done, step));
    done += step;
  }
  return {};
}

}  // namespace

Status MemoryDevice::check_range(const char* what, uint64_t offset, uint64_t length) const {
  if (offset <= size_bytes_ && length <= size_bytes_ - offset) return {};
  return make_error(EIO, "{}: {} of {} bytes at {} is beyond the end of the device at {}", path_, what,
                    length, offset, size_bytes_);
}

Status MemoryDevice::load_base(uint64_t start, MutableByteSpan into) const {
  if (base_) return base_->read(start, into);
  std::fill(into.begin(), into.end(), std::byte{0});
  return {};
}

Status MemoryDevice::read(uint64_t offset, MutableByteSpan into) {
  BF_TRY(check_range("read", offset, into.size()));
  ReaderLock lock(mutex_);
  const auto& pages = pages_;  // the analysis does not see that the lambda runs under the lock
  if (pages.empty()) return load_base(offset, into);
  return for_each_page(offset, into.size(), kPageBytes,
                       [&](uint64_t number, uint64_t in_page, uint64_t done, uint64_t length) -> Status {
                         auto found = pages.find(number);
                         if (found == pages.end())
                           return load_base(number * kPageBytes + in_page, into.subspan(done, length));
                         std::memcpy(into.data() + done, found->second.data() + in_page, length);
                         return {};
                       });
}

Status MemoryDevice::write(uint64_t offset, ByteSpan from, WriteKind) {
  BF_TRY(check_range("write", offset, from.size()));
  WriterLock lock(mutex_);
  auto& pages = pages_;
  return for_each_page(offset, from.size(), kPageBytes,
                       [&](uint64_t number, uint64_t in_page, uint64_t done, uint64_t length) -> Status {
                         auto [found, is_new] = pages.try_emplace(number, kPageBytes);
                         if (is_new && length < kPageBytes) {
                           uint64_t start = number * kPageBytes;
                           uint64_t valid = std::min(kPageBytes, size_bytes_ - start);
                           BF_TRY(load_base(start, MutableByteSpan(found->second).first(valid)));
                         }
                         std::memcpy(found->second.data() + in_page, from.data() + done, length);
                         return {};
                       });
}

uint64_t MemoryDevice::bytes_in_memory() const {
  ReaderLock lock(mutex_);
  return pages_.size() * kPageBytes;
}

}  // namespace butterfuse
