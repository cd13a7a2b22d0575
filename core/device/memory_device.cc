// SPDX-License-Identifier: GPL-2.0-or-later
// MemoryDevice: pages of 4 KiB that were written, over zeros or another device.
// A write of a part of a page copies the rest from the base. From then on the base is not asked about that
// page, so that it may even change below.
#include "core/device/memory_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace butterfuse {

namespace {

struct Piece {  // of a range, in one page
  uint64_t page, in_page, done, length;
};

std::vector<Piece> pieces_of(uint64_t offset, uint64_t length, uint64_t page_bytes) {
  std::vector<Piece> pieces;
  for (uint64_t done = 0; done < length; done += pieces.back().length) {
    const uint64_t at = offset + done;
    pieces.push_back(
        {at / page_bytes, at % page_bytes, done, std::min(page_bytes - at % page_bytes, length - done)});
  }
  return pieces;
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
  // One read of the base, as large as asked for: an overlay that nothing was written to costs nothing.
  if (pages_.empty()) return load_base(offset, into);
  for (const Piece& piece : pieces_of(offset, into.size(), kPageBytes)) {
    MutableByteSpan part = into.subspan(piece.done, piece.length);
    auto found = pages_.find(piece.page);
    if (found == pages_.end())
      BF_TRY(load_base(piece.page * kPageBytes + piece.in_page, part));
    else
      std::memcpy(part.data(), found->second.data() + piece.in_page, part.size());
  }
  return {};
}

Status MemoryDevice::write(uint64_t offset, ByteSpan from, WriteKind) {
  BF_TRY(check_range("write", offset, from.size()));
  WriterLock lock(mutex_);
  for (const Piece& piece : pieces_of(offset, from.size(), kPageBytes)) {
    auto found = pages_.find(piece.page);
    if (found == pages_.end()) {
      std::vector<std::byte> page(kPageBytes);
      const uint64_t start = piece.page * kPageBytes;
      if (piece.length < kPageBytes)
        BF_TRY(load_base(start, MutableByteSpan(page).first(std::min(kPageBytes, size_bytes_ - start))));
      found = pages_.emplace(piece.page, std::move(page)).first;
    }
    std::memcpy(found->second.data() + piece.in_page, from.data() + piece.done, piece.length);
  }
  return {};
}

Status MemoryDevice::for_each_page(const std::function<Status(uint64_t, ByteSpan)>& visit) const {
  ReaderLock lock(mutex_);
  // A map in order would cost each look-up; this is asked for once.
  std::vector<uint64_t> numbers;
  for (const auto& [number, page] : pages_) numbers.push_back(number);
  std::sort(numbers.begin(), numbers.end());
  for (const uint64_t number : numbers) {
    const uint64_t offset = number * kPageBytes;
    BF_TRY(visit(offset, ByteSpan(pages_.at(number)).first(std::min(kPageBytes, size_bytes_ - offset))));
  }
  return {};
}

uint64_t MemoryDevice::bytes_in_memory() const {
  ReaderLock lock(mutex_);
  return pages_.size() * kPageBytes;
}

}  // namespace butterfuse
