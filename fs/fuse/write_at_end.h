// SPDX-License-Identifier: GPL-2.0-or-later
// WriteAtEnd: one write to a file that may be mapped, kept from what the kernel does to pages at the end.
#pragma once

#include <vector>

#include "fs/data/clipped_ends.h"
#include "fs/data/file.h"
#include "fs/fuse/fuse_context.h"
#include "fs/fuse/kernel_pages.h"

namespace butterfuse {

// See ClippedEnds. For writes through the kernel's pages, and what it writes back of these, where it is told
// the size by us (no writeback cache).
class WriteAtEnd {
 public:
  // `write` has one piece. Both are kept; of `inode` no lock is held during any call.
  WriteAtEnd(FuseContext& context, Inode& inode, WriteRequest& write);
  // Before it is done; may replace the bytes. False: the kernel lost them. The write must be answered with
  // EINTR, so that the program repeats it, then drop_page_of_end().
  bool begin();
  void drop_page_of_end() { (void)drop_kernel_page(context_, inode_, old_size_); }
  // When it is done; calls `answer`, and may then make the kernel drop a page: not before, since the kernel
  // may keep it locked until it has the answer.
  template <class Answer>
  void end(Answer&& answer) {
    if (is_clipped()) ends_.note(inode_.key(), range().end);  // who waits for it goes on from here
    const ByteRange doubted = doubtful();
    if (doubted.empty()) return answer();
    const ClippedEnds::Doubt doubt(ends_, inode_.key(), doubted);
    answer();
    (void)drop_kernel_page(context_, inode_, doubted.start);
  }

 private:
  ByteRange range() const { return ByteRange::at(write_.offset, write_.pieces.front().size()); }
  ByteSpan bytes_of(ByteRange part) const;
  bool is_clipped() const { return write_.from_kernel_cache && range().end % kSectorSize != 0; }
  void keep_known(ByteRange part);
  // What the kernel may have zeros for, in one page.
  ByteRange doubtful() const;

  FuseContext& context_;
  ClippedEnds& ends_;
  Inode& inode_;
  WriteRequest& write_;
  const uint64_t old_size_;
  ByteRange grown_{};  // by this write, in the page of the old end
  std::vector<std::byte> kept_;
};

}  // namespace butterfuse
