// SPDX-License-Identifier: GPL-2.0-or-later
// WriteAtEnd: telling the kernel's zeros from a program's, and putting them right.
//
//   what comes                                    is told by             what is done
//   a write with zeros, a writeback around it     the end in both       EINTR
//   writeback up to the old end, after the write  the size by now       the page is dropped
//   writeback with zeros                          it can't be told      behind each write the page is dropped
//   either, before the page is dropped            a doubt               its zeros are left out
#include "fs/fuse/write_at_end.h"

#include <algorithm>

namespace butterfuse {
namespace {

bool is_zero(ByteSpan bytes) {
  return std::ranges::all_of(bytes, [](std::byte one) { return one == std::byte{0}; });
}

// The kernel may have begun to copy the bytes to us before it made zeros of them.
bool ends_in_zeros(ByteSpan bytes) { return is_zero(bytes.last(std::min<size_t>(bytes.size(), 32))); }

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
    inode_.note_stored_into();
    if (is_clipped()) ends_.note(inode_.key(), range().end);
    for (const ByteRange doubted : ends_.doubted(inode_.key())) keep_known(doubted);
    return true;
  }
  if (write_.offset > old_size_) return true;
  grown_ = range().intersection({old_size_, round_up(old_size_, kSectorSize)});
  if (grown_.empty()) return true;
  if (inode_.was_stored_into()) ends_.note_growth(inode_.key(), old_size_);
  const ByteSpan bytes = bytes_of(grown_);
  const bool may_be_lost = inode_.was_stored_into() ? ends_in_zeros(bytes) : is_zero(bytes);
  return !may_be_lost || !ends_.took_bytes_of_write(inode_.key(), old_size_);
}

// What the file has of `part` stays, if that is all zeros in what came.
void WriteAtEnd::keep_known(ByteRange part) {
  if (!range().contains(part) || !is_zero(bytes_of(part))) return;
  if (kept_.empty()) kept_.assign(write_.pieces.front().begin(), write_.pieces.front().end());
  ReadaheadWindow reader;
  const ReaderLock lock(inode_.data_lock());
  (void)inode_.data().read(part.start, part.length(), reader, [&](const std::vector<ByteSpan>& pieces) {
    auto to = kept_.begin() + static_cast<std::ptrdiff_t>(part.start - write_.offset);
    for (const ByteSpan piece : pieces) to = std::copy(piece.begin(), piece.end(), to);
  });
  write_.pieces = {kept_};
}

ByteRange WriteAtEnd::doubtful() const {
  if (!write_.from_kernel_cache) return inode_.was_stored_into() ? grown_ : ByteRange{};
  const uint64_t end = range().end;
  return is_clipped() ? ByteRange{end, std::min(round_up(end, kSectorSize), inode_.data().size())}
                      : ByteRange{};
}

}  // namespace butterfuse
