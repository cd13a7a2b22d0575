// SPDX-License-Identifier: GPL-2.0-or-later
// ClippedEnds: pages in which a file ends, written back by the kernel while a write makes the file longer.
#pragma once

#include <chrono>
#include <map>
#include <optional>

#include "core/base/byte_range.h"
#include "core/base/mutex.h"
#include "core/items/dir_item.h"
#include "fs/inode/subvolume.h"

namespace butterfuse {

// Since Linux 6.17 the kernel fills a page with zeros behind the end of the file when it writes it back. It
// takes the old end for the end until a write that goes over it is answered, though the bytes are in the
// page:
//
//     old end                  v
//     write(2) has copied  ....wwww        the page is dirty, by a store through a mapping
//     writeback begins     ....0000        sent is what lies before the old end
//     the write is sent or has been sent; it is answered, and the kernel knows the new end
//
// So the write comes with zeros in place of its bytes; or we have these, and the kernel, whose page has
// zeros, brings those with this writeback (which ends at the new end if that is known by the time it is sent)
// or with the next. Every file system of FUSE loses data that way (seen with 6.18), but one can tell: by a
// writeback that ends inside a page, where a write goes on a moment before or after; or that is all zeros
// where one just went.
//
// Thread-safe; its mutex is a leaf.
class ClippedEnds {
 public:
  // The kernel writes back, or has just done so, a page only up to `end`. To be called before the size is
  // looked at, and was_clipped() after it has grown: so one of the two learns of the other.
  void note(const InodeKey& file, uint64_t end);
  // A page that `end` lies in was written back like that within the last second.
  bool was_clipped(const InodeKey& file, uint64_t end) const;
  // Of a write over the old end `end` that has zeros before the end of that page: they are the kernel's, and
  // the write is to be repeated. Waits for a moment where writeback of the file is about, which may come
  // behind the write. A few times of one end at most: there are programs that write zeros.
  bool took_bytes_of_write(const InodeKey& file, uint64_t end);

  // A write makes the file longer by these bytes, which lie in the page of the old end; it was answered, from
  // when on time counts.
  void note_growth(const InodeKey& file, ByteRange bytes);
  void note_answer(const InodeKey& file, ByteRange bytes);
  // The bytes a write brought just now, if they are in `written_back` and this is the first such writeback.
  std::optional<ByteRange> take_growth(const InodeKey& file, ByteRange written_back);

  // While it lives, zeros which the kernel sends for `range` of the file are not believed where there is
  // something else: its page is about to be dropped.
  class [[nodiscard]] Doubt {
   public:
    Doubt(ClippedEnds& ends, const InodeKey& file, ByteRange range);
    ~Doubt();
    Doubt(const Doubt&) = delete;
    Doubt& operator=(const Doubt&) = delete;

   private:
    ClippedEnds& ends_;
    const InodeKey file_;
  };
  std::optional<ByteRange> doubted(const InodeKey& file) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Clipped {
    uint64_t end = 0;
    Clock::time_point when{};
    bool answered_for = false;  // a write was refused since
    uint64_t refused_end = 0;   // of that write
    int refused = 0;            // so many of that end
    int waits_in_vain = 0;      // for a writeback, since the last one
    ByteRange grown{};
    Clock::time_point grew{};
    int doubts = 0;
    ByteRange doubted{};  // by all of them
  };
  void forget_old() BF_REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar noted_;
  std::map<InodeKey, Clipped> files_ BF_GUARDED_BY(mutex_);
  size_t enough_ BF_GUARDED_BY(mutex_) = 64;  // files, until the old ones are looked for
};

}  // namespace butterfuse
