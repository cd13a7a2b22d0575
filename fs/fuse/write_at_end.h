// SPDX-License-Identifier: GPL-2.0-or-later
// WriteAtEnd: one write to a file that may be mapped, kept from what the kernel does to pages at the end.
#pragma once

#include <vector>

#include "fs/data/clipped_ends.h"
#include "fs/data/file.h"
#include "fs/fuse/fuse_context.h"

namespace butterfuse {

// See ClippedEnds. For writes through the kernel's pages, and what it writes back of these, where it is told
// the size by us (no writeback cache).
class WriteAtEnd {
 public:
  // `write` has one piece. Both are kept; of `inode` no lock is held during any call.
  WriteAtEnd(FuseContext& context, Inode& inode, WriteRequest& write);
  // Before it is done; may replace the bytes. False: the kernel lost them. The write must be answered with
  // EINTR, so that the program repeats it, then drop_zeroed_page().
  bool begin();
  void drop_zeroed_page();
  // When it is done; calls `answer`, and may then make the kernel drop a page.
  template <class Answer>
  void end(Answer&& answer) {
    if (!has_to_be_mended()) {
      answer();
    } else {
      const ClippedEnds::Doubt doubt(ends_, inode_.key(), zeroed_);
      answer();
      drop_zeroed_page();
    }
    if (!grown_.empty()) ends_.note_answer(inode_.key(), grown_);
  }

 private:
  ByteRange range() const { return ByteRange::at(write_.offset, write_.pieces.front().size()); }
  ByteSpan bytes_of(ByteRange part) const;
  bool is_clipped() const { return write_.from_kernel_cache && range().end % kSectorSize != 0; }
  void begin_writeback();
  void keep_known(ByteRange part);
  bool has_to_be_mended();

  FuseContext& context_;
  ClippedEnds& ends_;
  Inode& inode_;
  WriteRequest& write_;
  const uint64_t old_size_;
  ByteRange grown_{};   // by this write, in the page of the old end
  ByteRange zeroed_{};  // where the kernel may have zeros, up to the end of a page
  bool came_with_zeros_ = false;
  std::vector<std::byte> kept_;
};

}  // namespace butterfuse
