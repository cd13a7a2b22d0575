// SPDX-License-Identifier: GPL-2.0-or-later
// ClippedEnds: pages in which a file ends, written back by the kernel while a write makes the file longer.
#pragma once

#include <chrono>
#include <map>
#include <vector>

#include "core/base/byte_range.h"
#include "core/base/mutex.h"
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
// or with the next. Every file system of FUSE loses data that way (seen with 6.18). The first can be told, by
// a writeback that ends where the write goes on, a moment before or after. Against the second the page is
// dropped behind the write, and zeros are doubted until then.
//
// Thread-safe; its mutex is a leaf.
class ClippedEnds {
 public:
  // A write is about to make the file longer than `end`: a writeback up to there that comes later tells how
  // late they come, on this machine and as busy as it is.
  void note_growth(const InodeKey& file, uint64_t end);
  // The kernel writes back, or has just done so, a page only up to `end`.
  void note(const InodeKey& file, uint64_t end);
  // Of a write over the old end `end` that has zeros before the end of that page: they are the kernel's, and
  // the write is to be repeated. Waits for a moment where writeback of the file is about, which may come
  // behind the write; longer where it has come late. A few times of one end at most: there are programs that
  // write zeros.
  bool took_bytes_of_write(const InodeKey& file, uint64_t end);

  // While it lives, the kernel is not believed that it has nothing but zeros for all of `range`, which a
  // write brought: its page is about to be dropped.
  class [[nodiscard]] Doubt {
   public:
    Doubt(ClippedEnds& ends, const InodeKey& file, ByteRange range);
    ~Doubt();
    Doubt(const Doubt&) = delete;
    Doubt& operator=(const Doubt&) = delete;

   private:
    ClippedEnds& ends_;
    const InodeKey file_;
    const ByteRange range_;
  };
  std::vector<ByteRange> doubted(const InodeKey& file) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Clipped {
    uint64_t end = 0;
    Clock::time_point when{};
    uint64_t grown_from = UINT64_MAX;  // by the last write, unless its writeback has come
    Clock::time_point grown{};
    bool answered_for = false;  // a write was refused since
    uint64_t refused_end = 0;   // of that write
    int refused = 0;            // so many of that end
    int waits_in_vain = 0;      // for a writeback, since the last one
    std::vector<ByteRange> doubted{};
  };
  void forget_old() BF_REQUIRES(mutex_);
  void note_lateness(Clipped& clipped, uint64_t end, Clock::time_point now) BF_REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar noted_;
  std::map<InodeKey, Clipped> files_ BF_GUARDED_BY(mutex_);
  Clock::duration late_ BF_GUARDED_BY(mutex_){};  // so late writebacks come, at most, of late
  size_t enough_ BF_GUARDED_BY(mutex_) = 64;      // files, until the old ones are looked for
};

}  // namespace butterfuse
