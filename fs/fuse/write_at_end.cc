// SPDX-License-Identifier: GPL-2.0-or-later
// WriteAtEnd: telling the kernel's zeros from a program's, and putting them right.
//
//   what comes                                    is told by                what is done
//   a write with zeros, a writeback around it     the end in both           EINTR
//   writeback up to the old end, after the write  the size by now           the page is dropped
//   writeback up to the new end, with zeros       the growth a moment ago   zeros left out, page dropped
//   the next one, before the page is dropped      a doubt                   zeros left out
#include "fs/fuse/write_at_end.h"

#include <algorithm>

#include "fs/fuse/kernel_pages.h"

namespace butterfuse {
namespace {

bool is_zero(ByteSpan bytes) {
  return std::ranges::all_of(bytes, [](std::byte one) { return one == std::byte{0}; });
}

// The kernel may have begun to copy the bytes to us before it made zeros of them.
bool ends_in_zeros(ByteSpan bytes) { return is_zero(bytes.last(std::min<size_t>(bytes.size(), 32))); }

ByteRange page_behind(uint64_t end) { return {end, round_down(end, kSectorSize) + kSectorSize}; }

}  // namespace

WriteAtEnd::WriteAtEnd(FuseContext& context, Inode& inode, WriteRequest& write)
    : context_(context),
      ends_(context.clipped_ends),
      inode_(inode),
      write_(write),
      old_size_(inode.data().size()) {}

ByteSpan WriteAtEnd::bytes_of(ByteRange part) const {
  return write_.pieces.front().subspan(part.start - write_.offset, part.length());
}

bool WriteAtEnd::begin() {
  if (write_.from_kernel_cache) {
    begin_writeback();
    return true;
  }
  if (write_.offset > old_size_) return true;
  grown_ = range().intersection({old_size_, round_up(old_size_, kSectorSize)});
  if (grown_.empty()) return true;
  ends_.note_growth(inode_.key(), grown_);
  zeroed_ = page_behind(old_size_);
  const ByteSpan bytes = bytes_of(grown_);
  const bool may_be_lost = inode_.was_stored_into() ? ends_in_zeros(bytes) : is_zero(bytes);
  return !may_be_lost || !ends_.took_bytes_of_write(inode_.key(), old_size_);
}

void WriteAtEnd::begin_writeback() {
  inode_.note_stored_into();
  if (is_clipped()) ends_.note(inode_.key(), range().end);
  const auto grown = ends_.take_growth(inode_.key(), range());
  came_with_zeros_ = grown && is_zero(bytes_of(*grown));
  if (came_with_zeros_) {
    keep_known(*grown);
    zeroed_ = page_behind(grown->start);
  }
  if (const auto doubted = ends_.doubted(inode_.key())) keep_known(*doubted);
}

// Where the write has zeros, what the file has stays.
void WriteAtEnd::keep_known(ByteRange part) {
  part = part.intersection(range());
  if (part.empty()) return;
  if (kept_.empty()) kept_.assign(write_.pieces.front().begin(), write_.pieces.front().end());
  ReadaheadWindow reader;
  const ReaderLock lock(inode_.data_lock());
  (void)inode_.data().read(part.start, part.length(), reader, [&](const std::vector<ByteSpan>& pieces) {
    auto byte = kept_.begin() + static_cast<std::ptrdiff_t>(part.start - write_.offset);
    for (const ByteSpan piece : pieces)
      for (const std::byte known : piece) {
        if (*byte == std::byte{0}) *byte = known;
        ++byte;
      }
  });
  write_.pieces = {kept_};
}

bool WriteAtEnd::has_to_be_mended() {
  if (is_clipped()) ends_.note(inode_.key(), range().end);  // who waits for it goes on from here
  if (came_with_zeros_) return true;
  if (!write_.from_kernel_cache) return !grown_.empty() && ends_.was_clipped(inode_.key(), old_size_);
  zeroed_ = page_behind(range().end);
  return is_clipped() && inode_.data().size() > range().end;
}

void WriteAtEnd::drop_zeroed_page() {
  (void)drop_kernel_pages(context_, inode_, {round_down(zeroed_.start, kSectorSize), zeroed_.end});
}

}  // namespace butterfuse
