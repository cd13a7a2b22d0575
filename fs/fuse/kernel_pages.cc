// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel pages: an invalidation writes back first what is dirty.
#include "fs/fuse/kernel_pages.h"

#include <algorithm>

namespace butterfuse {
namespace {

// Each keeps a worker of the loop until the kernel has written back what was dirty, and those writes need
// workers, too (at most 40 of 96, fs/session). With all of them waiting here nobody would be left to answer.
constexpr unsigned kWaitingMax = 8;

// One of those that may wait, or not.
class WaitingTurn {
 public:
  explicit WaitingTurn(std::atomic<unsigned>& waiting)
      : waiting_(waiting), mine_(waiting.fetch_add(1) < kWaitingMax) {}
  ~WaitingTurn() { waiting_.fetch_sub(1); }
  WaitingTurn(const WaitingTurn&) = delete;
  WaitingTurn& operator=(const WaitingTurn&) = delete;
  explicit operator bool() const { return mine_; }

 private:
  std::atomic<unsigned>& waiting_;
  const bool mine_;
};

}  // namespace

bool drop_kernel_pages(fuse_req_t request, const Inode& inode, ByteRange range) {
  return drop_kernel_pages(context_of(request), inode, range);
}

bool drop_kernel_pages(FuseContext& context, const Inode& inode, ByteRange range) {
  if (context.single_thread) return false;
  const WaitingTurn turn(context.waiting_for_pages);
  if (!turn) return false;
  const uint64_t node = context.mount.node_ids().node_of(inode.key());
  const bool to_the_end = range.end == UINT64_MAX;
  fuse_lowlevel_notify_inval_inode(context.session, node, static_cast<off_t>(range.start),
                                   to_the_end ? 0 : static_cast<off_t>(range.length()));
  return true;
}

bool drop_kernel_page(FuseContext& context, const Inode& inode, uint64_t offset) {
  return drop_kernel_pages(context, inode, ByteRange::at(round_down(offset, kSectorSize), kSectorSize));
}

bool fetch_stores(fuse_req_t request, const Inode& inode, uint64_t offset) {
  return !inode.may_be_mapped() || drop_kernel_pages(request, inode, {offset, UINT64_MAX});
}

void zero_behind_old_end(fuse_req_t request, Inode& inode, uint64_t old_size, uint64_t hole_end) {
  FuseContext& context = context_of(request);
  const uint64_t end = std::min(round_up(old_size, kSectorSize), hole_end);
  if (end <= old_size || !inode.may_be_mapped() || context.mount.options().writeback_cache ||
      context.single_thread)
    return;
  const WaitingTurn turn(context.waiting_for_pages);
  if (!turn) return;
  static constexpr std::byte kZeros[kSectorSize]{};
  fuse_bufvec zeros = FUSE_BUFVEC_INIT(end - old_size);
  zeros.buf[0].mem = const_cast<std::byte*>(kZeros);
  fuse_lowlevel_notify_store(context.session, context.mount.node_ids().node_of(inode.key()),
                             static_cast<off_t>(old_size), &zeros, {});
}

}  // namespace butterfuse
